import type { Desired, DesiredService } from '../compose/desired.ts';
import type { Actual, ActualHost } from './actual.ts';
import type { Obstacle } from './change.ts';
import type { Hash } from './config-hash.ts';

/** Where each replica of a service is to run: replica number → host. */
export interface Placement {
  readonly hosts: ReadonlyMap<number, string>;
  readonly obstacles: readonly Obstacle[];
}

/**
 * Spreads a service's replicas over the hosts that may run it. A replica that runs stays where it is unless its
 * host may no longer run it or holds more than its share; ties are broken by rendezvous hashing, so that the same input gives
 * the same hosts.
 */
export function placeService(
  desired: Desired,
  service: DesiredService,
  actual: Actual,
  hash: Hash,
): Placement {
  const path = `services.${service.name}`;
  const eligible = eligibleHosts(desired, service, actual, hash);
  if (eligible.obstacles.length > 0) return { hosts: new Map(), obstacles: eligible.obstacles };
  const count = service.kind === 'task' ? 1 : service.replicas;
  const hosts = eligible.hosts;
  if (count === 0) return { hosts: new Map(), obstacles: [] };
  if (hosts.length === 0) return { hosts: new Map(), obstacles: [nowhere(path, service)] };
  const { maxPerHost } = service.placement;
  if (maxPerHost > 0 && hosts.length * maxPerHost < count) {
    return { hosts: new Map(), obstacles: [tooMany(path, count, maxPerHost, hosts.length)] };
  }
  return {
    hosts: spread(service.name, count, hosts, currentHosts(actual, service.name), hash),
    obstacles: [],
  };
}

/** Hosts that run the service's replicas now, by replica number; of two with one number the first by host and name. */
function currentHosts(actual: Actual, service: string): Map<number, string> {
  const current = new Map<number, string>();
  for (const name of Object.keys(actual.hosts).sort()) {
    for (const replica of actual.hosts[name]?.replicas ?? []) {
      if (replica.service === service && !current.has(replica.replica)) current.set(replica.replica, name);
    }
  }
  return current;
}

function spread(
  service: string,
  count: number,
  hosts: readonly string[],
  current: ReadonlyMap<number, string>,
  hash: Hash,
): Map<number, string> {
  const load = new Map(hosts.map((host) => [host, 0]));
  const placed = new Map<number, string>();
  const put = (replica: number, host: string): void => {
    placed.set(replica, host);
    load.set(host, (load.get(host) ?? 0) + 1);
  };
  const share = Math.ceil(count / hosts.length);
  const hostsAtFullShare = count - (share - 1) * hosts.length;
  const mayKeep = (host: string): boolean => {
    const held = load.get(host);
    if (held === undefined || held >= share) return false;
    return held < share - 1 || [...load.values()].filter((each) => each >= share).length < hostsAtFullShare;
  };
  for (let replica = 1; replica <= count; replica++) {
    const host = current.get(replica);
    if (host !== undefined && mayKeep(host)) put(replica, host);
  }
  for (let replica = 1; replica <= count; replica++) {
    if (placed.has(replica)) continue;
    const weigh = (host: string) => ({
      host,
      load: load.get(host) ?? 0,
      weight: hash(`${service}/${replica}@${host}`),
    });
    const [best] = hosts.map(weigh).sort((a, b) => a.load - b.load || (a.weight < b.weight ? -1 : 1));
    if (best) put(replica, best.host);
  }
  return new Map([...placed].sort(([a], [b]) => a - b));
}

function eligibleHosts(
  desired: Desired,
  service: DesiredService,
  actual: Actual,
  hash: Hash,
): { hosts: string[]; obstacles: Obstacle[] } {
  const candidates = Object.values(actual.hosts)
    .filter((host) => host.roles.includes('app') && host.unreachable === undefined)
    .filter(
      (host) =>
        service.platform === undefined ||
        host.platform === '' ||
        samePlatform(host.platform, service.platform),
    )
    .filter((host) => service.placement.constraints.every((constraint) => satisfies(host, constraint)))
    .map((host) => host.name)
    .sort();
  const pins = volumeHosts(desired, service, actual);
  if (pins.obstacles.length > 0) return { hosts: [], obstacles: pins.obstacles };
  if (pins.host !== undefined)
    return { hosts: candidates.filter((host) => host === pins.host), obstacles: [] };
  const volumes = sharedVolumes(desired, service.name).join();
  if (volumes === '') return { hosts: candidates, obstacles: [] };
  return { hosts: heaviest(volumes, candidates, hash), obstacles: [] };
}

/** The host where volumes that do not exist yet are to be made: the same for every service that mounts them. */
function heaviest(volumes: string, hosts: readonly string[], hash: Hash): string[] {
  const weight = (host: string): string => hash(`${volumes}@${host}`);
  return hosts.toSorted((a, b) => (weight(a) < weight(b) ? -1 : 1)).slice(0, 1);
}

/** A platform without a variant matches every variant of it. */
function samePlatform(host: string, wanted: string): boolean {
  const [hostOs, hostArch] = host.split('/');
  const [wantedOs, wantedArch] = wanted.split('/');
  return hostOs === wantedOs && hostArch === wantedArch;
}

function satisfies(host: ActualHost, constraint: string): boolean {
  const match = /^\s*(\S+?)\s*(==|!=)\s*(.*?)\s*$/.exec(constraint);
  if (!match) return false;
  const [, key = '', operator, value] = match;
  const actual = constraintValue(host, key);
  return operator === '==' ? actual === value : actual !== value;
}

function constraintValue(host: ActualHost, key: string): string | undefined {
  if (key === 'node.hostname' || key === 'node.id') return host.name;
  if (key === 'node.role') return host.roles.includes('edge') ? 'manager' : 'worker';
  if (key.startsWith('node.labels.')) return host.labels[key.slice('node.labels.'.length)];
  if (key === 'node.platform.os') return host.platform.split('/')[0];
  if (key === 'node.platform.arch') return host.platform.split('/')[1];
  return undefined;
}

/**
 * The one host that holds the service's named volumes. Volumes that services share tie those services together.
 * Never guesses: a volume on two hosts, or one whose host does not answer, is an obstacle.
 */
function volumeHosts(
  desired: Desired,
  service: DesiredService,
  actual: Actual,
): { host?: string; obstacles: Obstacle[] } {
  const homes = new Map<string, string>();
  const obstacles: Obstacle[] = [];
  for (const name of sharedVolumes(desired, service.name)) {
    const volume = desired.volumes[name];
    if (!volume) continue;
    const found = findVolume(volume.dockerName, volume.external, actual, `volumes.${name}`);
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

/** Volumes of the service and of every service that shares one with it, transitively. */
function sharedVolumes(desired: Desired, service: string): string[] {
  const volumesOf = (name: string): string[] =>
    (desired.services[name]?.mounts ?? []).flatMap((mount) =>
      mount.kind === 'volume' ? [mount.volume] : [],
    );
  const volumes = new Set(volumesOf(service));
  for (let size = -1; size !== volumes.size; ) {
    size = volumes.size;
    for (const name of Object.keys(desired.services)) {
      const own = volumesOf(name);
      if (own.some((volume) => volumes.has(volume))) for (const volume of own) volumes.add(volume);
    }
  }
  return [...volumes].sort();
}

function findVolume(
  dockerName: string,
  external: boolean,
  actual: Actual,
  path: string,
): { host?: string; obstacle?: Obstacle } {
  const holders = Object.values(actual.hosts)
    .filter((host) => host.volumes.includes(dockerName))
    .map((host) => host.name)
    .sort();
  if (holders.length > 1) return { obstacle: onSeveralHosts(path, dockerName, holders) };
  const remembered = actual.volumeHosts[dockerName];
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

const nowhere = (path: string, service: DesiredService): Obstacle => ({
  path,
  message: `no host may run it${
    service.placement.constraints.length > 0
      ? ` (constraints: ${service.placement.constraints.join(', ')})`
      : ''
  }${service.platform === undefined ? '' : ` (platform ${service.platform})`}`,
  remedy: 'Give a host the role app, or loosen deploy.placement.constraints and platform.',
});

const tooMany = (path: string, count: number, max: number, hosts: number): Obstacle => ({
  path,
  message: `${count} replicas do not fit: at most ${max} on each of ${hosts} host${hosts === 1 ? '' : 's'}`,
  remedy: 'Lower the replicas, raise deploy.placement.max_replicas_per_node, or add a host.',
});
