import { parseEntry } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';
import { clusterOf, type Session } from './session.ts';

/** A named volume of a project: where the catalog remembers it, and where it is. */
export interface VolumeView {
  /** Docker's name of it. */
  readonly name: string;
  /** Absent: nothing is remembered. */
  readonly home?: string;
  /** Hosts that answer and have it. */
  readonly found: readonly string[];
}

/** The project's volumes, those of the files and those that are only remembered. Sorted by name. */
export async function listVolumes(session: Session): Promise<VolumeView[]> {
  const { client } = clusterOf(session);
  const { desired, links, signal } = session;
  const prefix = KEY.volumes(desired.project);
  const [{ value }, held] = await Promise.all([
    client.kvList(prefix, { signal }),
    Promise.all(
      links.map(async ({ name, docker }) => ({
        host: name,
        volumes: (await docker.listVolumes({ signal })).map((volume) => volume.Name),
      })),
    ),
  ]);
  const homes = new Map(
    value.map((entry) => [entry.key.slice(prefix.length), parseEntry<{ host: string }>(entry).host]),
  );
  const names = new Set([
    ...Object.values(desired.volumes).map((volume) => volume.dockerName),
    ...homes.keys(),
  ]);
  return [...names].sort().map((name) => {
    const home = homes.get(name);
    const found = held.filter(({ volumes }) => volumes.includes(name)).map(({ host }) => host);
    return { name, found, ...(home === undefined ? {} : { home }) };
  });
}

/** Gives a volume up that is not where it belongs: the next deploy makes a new, empty one. */
export async function forgetVolume(session: Session, name: string): Promise<void> {
  const { client } = clusterOf(session);
  const key = KEY.volume(session.desired.project, name);
  const { value: entry } = await client.kvGet(key, { signal: session.signal });
  if (entry === undefined) {
    throw new SeawallError('input', `no volume ${name} is remembered for ${session.desired.project}`, {
      hint: 'See: seawall volume ls',
    });
  }
  await client.kvDelete(key, { signal: session.signal });
}
