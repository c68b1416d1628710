import type { Desired, DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { type HostLink, isNotFound } from '../hosts/index.ts';
import { dockerNetworkName } from '../plan/index.ts';
import { findReplicas } from './replicas.ts';

export interface RunHost {
  readonly link: HostLink;
  /** Id or reference as the host knows it. */
  readonly image: string;
}

/**
 * A host that has the service's networks, volumes and image; one that runs a replica of it comes first.
 * @throws SeawallError `refused` saying what each host lacks.
 */
export async function chooseRunHost(
  links: readonly HostLink[],
  desired: Desired,
  service: DesiredService,
  signal: AbortSignal,
): Promise<RunHost> {
  const replicas = await findReplicas(links, desired.project, service.name, signal);
  const views = await Promise.all(
    links
      .filter(({ roles }) => roles.includes('app'))
      .map(async (link) => {
        const replica = replicas.find((each) => each.link === link);
        const image = replica?.imageId ?? service.image;
        const lacks = await missingOn(link, desired, service, image, signal);
        return { link, image, lacks, hasReplica: replica !== undefined };
      }),
  );
  const able = views.filter(({ lacks }) => lacks.length === 0);
  const chosen = able.find(({ hasReplica }) => hasReplica) ?? able[0];
  if (chosen !== undefined) return chosen;
  const reasons = views.map(({ link, lacks }) => `${link.name} has no ${lacks.join(', ')}`);
  throw new SeawallError('refused', `no host can run ${service.name}: ${reasons.join('; ')}`, {
    hint: 'Deploy it first: seawall deploy',
  });
}

async function missingOn(
  { docker }: HostLink,
  desired: Desired,
  service: DesiredService,
  image: string,
  signal: AbortSignal,
): Promise<string[]> {
  const [networks, volumes, hasImage] = await Promise.all([
    docker.listNetworks({ signal }),
    docker.listVolumes({ signal }),
    docker.inspectImage(image, { signal }).then(
      () => true,
      (error: unknown) => {
        if (isNotFound(error)) return false;
        throw error;
      },
    ),
  ]);
  const networkNames = new Set(networks.map(({ Name }) => Name));
  const volumeNames = new Set(volumes.map(({ Name }) => Name));
  const neededNetworks = Object.keys(service.networks).map((name) =>
    dockerNetworkName(desired.project, name),
  );
  const neededVolumes = service.mounts.flatMap((mount) =>
    mount.kind === 'volume' ? (desired.volumes[mount.volume]?.dockerName ?? []) : [],
  );
  return [
    ...neededNetworks.filter((name) => !networkNames.has(name)).map((name) => `network ${name}`),
    ...neededVolumes.filter((name) => !volumeNames.has(name)).map((name) => `volume ${name}`),
    ...(hasImage ? [] : [`image ${image}`]),
  ];
}
