import type { Desired, DesiredService } from '../compose/desired.ts';
import type { Actual } from './actual.ts';
import type { Obstacle } from './change.ts';
import type { Planning } from './input.ts';

/**
 * The one host that holds the service's named volumes. Volumes that services share tie those services together.
 * Never guesses: a volume on two hosts, or one whose host does not answer, is an obstacle.
 */
export function volumeHosts(
  { desired, actual, volumes, holders }: Planning,
  service: DesiredService,
): { host?: string; obstacles: Obstacle[] } {
  const homes = new Map<string, string>();
  const obstacles: Obstacle[] = [];
  for (const name of volumes.get(service.name) ?? []) {
    const volume = desired.volumes[name];
    if (!volume) continue;
    const found = findVolume(volume.dockerName, volume.external, actual, holders, `volumes.${name}`);
    if (found.obstacle) obstacles.push(found.obstacle);
    else if (found.host) homes.set(found.host, volume.dockerName);
  }
  if (homes.size > 1) {
    const places = [...homes].map(([host, volume]) => `${volume} on ${host}`).join(', ');
    obstacles.push({
      path: `services.${service.name}.volumes`,
      message: `its volumes are on different hosts: ${places}`,
      remedy: 'Move the data to one host, or give the services separate volumes.',
    });
  }
  const [host] = homes.keys();
  return host === undefined ? { obstacles } : { host, obstacles };
}

/** Service → its volumes and those of every service that shares one with it, transitively; sorted. */
export function volumeGroups(desired: Desired): Map<string, readonly string[]> {
  const groups = new Map<string, Set<string>>();
  const volumesOf = (service: DesiredService): string[] =>
    service.mounts.flatMap((mount) => (mount.kind === 'volume' ? [mount.volume] : []));
  for (const service of Object.values(desired.services)) {
    const own = volumesOf(service);
    const joined = new Set([...own, ...own.flatMap((volume) => [...(groups.get(volume) ?? [])])]);
    for (const volume of joined) groups.set(volume, joined);
  }
  return new Map(
    Object.values(desired.services).map((service) => {
      const [first] = volumesOf(service);
      return [service.name, first === undefined ? [] : [...(groups.get(first) ?? [])].sort()];
    }),
  );
}

function findVolume(
  dockerName: string,
  external: boolean,
  actual: Actual,
  everywhere: Planning['holders'],
  path: string,
): { host?: string; obstacle?: Obstacle } {
  const holders = everywhere.get(dockerName) ?? [];
  if (holders.length > 1) return { obstacle: onSeveralHosts(path, dockerName, holders) };
  const remembered = actual.volumeHosts[dockerName];
  if (remembered !== undefined && holders.length === 0 && actual.hosts[remembered]?.skipped)
    return { host: remembered };
  if (remembered !== undefined && holders[0] !== remembered) {
    return { obstacle: notWhereItWas(path, dockerName, remembered, actual, holders[0]) };
  }
  if (holders[0] !== undefined) return { host: holders[0] };
  if (external) {
    return {
      obstacle: {
        path,
        message: `external volume ${dockerName} is on no host`,
        remedy: `Create it where the data is to live (docker volume create ${dockerName}), or take "external" away.`,
      },
    };
  }
  return {};
}

const onSeveralHosts = (path: string, volume: string, hosts: readonly string[]): Obstacle => ({
  path,
  message: `volume ${volume} exists on ${hosts.join(' and ')}: which one holds the data cannot be known`,
  remedy: `Look at both, then remove the one that is not needed (docker volume rm ${volume}).`,
});

function notWhereItWas(path: string, volume: string, home: string, actual: Actual, found?: string): Obstacle {
  const host = actual.hosts[home];
  const state =
    host === undefined
      ? `${home} is no longer in seawall.yml`
      : host.unreachable !== undefined
        ? `${home} does not answer`
        : found === undefined
          ? `${home} no longer has it`
          : `it is now on ${found}`;
  return {
    path,
    message: `volume ${volume} belongs on host ${home}, but ${state}`,
    remedy:
      host?.unreachable === undefined
        ? `Restore it there, or give it up for good: seawall volume forget ${volume}`
        : `Bring ${home} back. Seawall never starts with an empty volume in its place.`,
    ...(host?.unreachable === undefined ? {} : { isUnreachable: true }),
  };
}
