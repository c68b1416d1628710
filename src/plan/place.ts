import type { Desired, DesiredService } from '../compose/desired.ts';
import type { Actual, ActualHost } from './actual.ts';
import type { Obstacle } from './change.ts';
import type { Hash } from './config-hash.ts';
import { sharedVolumes, volumeHosts } from './volume-home.ts';

/** Where each replica of a service is to run: replica number → host. */
export interface Placement {
  readonly hosts: ReadonlyMap<number, string>;
  readonly obstacles: readonly Obstacle[];
  /** A host that is left out holds its volumes: the service stays as it is. */
  readonly heldBy?: string;
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
  if (eligible.heldBy !== undefined) return { hosts: new Map(), obstacles: [], heldBy: eligible.heldBy };
  const count = service.kind === 'task' ? 1 : service.replicas;
  const hosts = eligible.hosts;
  if (count === 0) return { hosts: new Map(), obstacles: [] };
  if (hosts.length === 0) {
    // That a host does not answer is an obstacle of its own; whether another one would do cannot be said then.
    const isAnyLost = Object.values(actual.hosts).some(
      (host) => host.unreachable !== undefined && !host.skipped,
    );
    return { hosts: new Map(), obstacles: isAnyLost ? [] : [nowhere(path, service)] };
  }
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
): { hosts: string[]; obstacles: Obstacle[]; heldBy?: string } {
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
  if (pins.host !== undefined && actual.hosts[pins.host]?.skipped)
    return { hosts: [], obstacles: [], heldBy: pins.host };
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
