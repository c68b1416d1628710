import { KEY, type ReleaseRecord } from '../catalog/record.ts';
import { describeError } from '../errors.ts';
import { ownImageBytes, pruneBuiltImages, pruneImages, releasesWithin } from '../images/index.ts';
import { operatorDocker } from './provide-images.ts';
import { readReleases, releasesToForget } from './release.ts';
import { clusterOf, type Session } from './session.ts';

const PRUNE_TIMEOUT_MS = 60_000;

/**
 * Forgets releases beyond those to keep, and removes their images and those of failed ones from the hosts and from this
 * machine. A failure here is a notice: the deploy is done.
 */
export async function forgetOldReleases(session: Session, inForce: number | undefined): Promise<string[]> {
  const { client } = clusterOf(session);
  const { project } = session.desired;
  const signal = AbortSignal.timeout(PRUNE_TIMEOUT_MS);
  try {
    const releases = await readReleases(client, project, signal);
    const keep = await releasesToKeep(session, releases, signal);
    const old = releasesToForget(releases, keep, inForce);
    for (const release of old) await client.kvDelete(KEY.release(project, release.number), { signal });
    const kept = releases.filter((release) => !old.includes(release));
    const input = { project, releases: kept, keep };
    await Promise.all([
      ...session.links.map((link) => pruneImages(link.docker, input, { signal })),
      pruneHere(input, new Set(releases.flatMap(({ images }) => Object.values(images))), signal),
    ]);
    return [];
  } catch (error) {
    return [`old images could not be removed: ${describeError(error)}`];
  }
}

/** Fewer than the number in seawall.yml when their images take too much room on a host. */
async function releasesToKeep(
  { config, links, desired }: Session,
  releases: readonly ReleaseRecord[],
  signal: AbortSignal,
): Promise<number> {
  const { releases: keep, diskBytes: maxBytes } = config.keep;
  if (maxBytes === undefined) return keep;
  const each = await Promise.all(
    links.map(({ docker }) => ownImageBytes(docker, desired.project, { signal })),
  );
  // Engine 20.10 does not say what images share: who counts least knows most.
  const ids = new Set(each.flatMap((host) => [...host.keys()]));
  const least = (id: string) => Math.min(...each.flatMap((host) => host.get(id) ?? []));
  const ownBytes = new Map([...ids].map((id) => [id, least(id)]));
  return releasesWithin(releases, keep, { maxBytes, ownBytes });
}

/** This machine built them. The newest stays, failed or not: it is what the next build begins with. */
async function pruneHere(
  input: Parameters<typeof pruneImages>[1],
  knownIds: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const docker = await operatorDocker(signal);
  if (docker === undefined) return;
  const newest = Math.max(...input.releases.map(({ number }) => number));
  const releases = input.releases.map((release) =>
    release.number === newest ? { ...release, status: 'pending' as const } : release,
  );
  try {
    await pruneBuiltImages(docker, { ...input, releases }, { knownIds, now: Date.now(), signal });
  } finally {
    docker.close();
  }
}
