import type { DesiredService } from '../compose/desired.ts';
import type { ActualHost, ActualReplica } from './actual.ts';
import type { Obstacle } from './change.ts';
import type { Hash } from './config-hash.ts';
import type { Planning } from './input.ts';
import { volumeHosts } from './volume-home.ts';

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
export function placeService(planning: Planning, service: DesiredService): Placement {
  const { actual, hash, running } = planning;
  const path = `services.${service.name}`;
  const eligible = eligibleHosts(planning, service);
  if (eligible.obstacles.length > 0) return { hosts: new Map(), obstacles: eligible.obstacles };
  if (eligible.heldBy !== undefined) return { hosts: new Map(), obstacles: [], heldBy: eligible.heldBy };
  const hosts = eligible.hosts;
  const current = currentHosts(running.get(service.name) ?? []);
  const isGlobal = service.isGlobal === true && service.kind === 'replica';
  if (isGlobal && hosts.length > 0) return { hosts: everywhere(hosts, current), obstacles: [] };
  const count = service.kind === 'task' ? 1 : service.replicas;
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
    hosts: spread(service.name, count, hosts, current, hash),
    obstacles: [],
  };
}

/** Hosts that run the service's replicas now, by replica number; of two with one number the first by host. */
function currentHosts(running: readonly ActualReplica[]): Map<number, string> {
  const current = new Map<number, string>();
  for (const { replica, host } of running) {
    const known = current.get(replica);
    if (known === undefined || host < known) current.set(replica, host);
  }
  return current;
}

/** One replica on each host: who runs one keeps its number, so that a host that comes or goes moves nobody else's. */
function everywhere(
  hosts: readonly string[],
  current: ReadonlyMap<number, string>,
): ReadonlyMap<number, string> {
  const placed = new Map<number, string>();
  const served = new Set<string>();
  for (const [replica, host] of inOrder(current)) {
    if (!hosts.includes(host) || served.has(host)) continue;
    placed.set(replica, host);
    served.add(host);
  }
  let free = 1;
  for (const host of hosts.filter((each) => !served.has(each))) {
    while (placed.has(free)) free++;
    placed.set(free, host);
  }
  return inOrder(placed);
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
  const share = Math.ceil(count / hosts.length);
  let placesAtFullShare = count - (share - 1) * hosts.length;
  const put = (replica: number, host: string): void => {
    placed.set(replica, host);
    const held = (load.get(host) ?? 0) + 1;
    load.set(host, held);
    if (held === share) placesAtFullShare -= 1;
  };
  for (let replica = 1; replica <= count; replica++) {
    const host = current.get(replica);
    const held = host === undefined ? undefined : load.get(host);
    if (host === undefined || held === undefined || held >= share) continue;
    if (held < share - 1 || placesAtFullShare > 0) put(replica, host);
  }
  if (placed.size === count) return inOrder(placed);
  const ranked = heaviest(service, hosts, hash);
  for (let replica = 1; replica <= count; replica++) {
    if (placed.has(replica)) continue;
    put(
      replica,
      ranked.reduce((best, host) => ((load.get(host) ?? 0) < (load.get(best) ?? 0) ? host : best)),
    );
  }
  return inOrder(placed);
}

const inOrder = (placed: ReadonlyMap<number, string>): Map<number, string> =>
  new Map([...placed].sort(([a], [b]) => a - b));

function eligibleHosts(
  planning: Planning,
  service: DesiredService,
): { hosts: string[]; obstacles: Obstacle[]; heldBy?: string } {
  const { actual } = planning;
  const candidates = Object.values(actual.hosts)
    .filter((host) => host.roles.includes('app') && host.unreachable === undefined && !host.leaving)
    .filter(
      (host) =>
        service.platform === undefined ||
        host.platform === '' ||
        samePlatform(host.platform, service.platform),
    )
    .filter((host) => service.placement.constraints.every((constraint) => satisfies(host, constraint)))
    .map((host) => host.name)
    .sort();
  const pins = volumeHosts(planning, service);
  if (pins.obstacles.length > 0) return { hosts: [], obstacles: pins.obstacles };
  const home = pins.host === undefined ? undefined : actual.hosts[pins.host];
  if (home?.leaving === 'move') return { hosts: [], obstacles: [holdsData(service.name, home.name)] };
  if (home?.skipped || home?.leaving) return { hosts: [], obstacles: [], heldBy: home.name };
  if (pins.host !== undefined)
    return { hosts: candidates.filter((host) => host === pins.host), obstacles: [] };
  const volumes = planning.volumes.get(service.name)?.join() ?? '';
  if (volumes === '') return { hosts: candidates, obstacles: [] };
  // Volumes that do not exist yet: made on one host, the same for every service that mounts them.
  return { hosts: heaviest(volumes, candidates, planning.hash).slice(0, 1), obstacles: [] };
}

/** Hosts by rendezvous weight for a key, so that the same key prefers the same hosts whatever others come and go. */
function heaviest(key: string, hosts: readonly string[], hash: Hash): string[] {
  const weighed = hosts.map((host) => ({ host, weight: hash(`${key}@${host}`) }));
  return weighed.sort((a, b) => (a.weight < b.weight ? -1 : 1)).map(({ host }) => host);
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

const holdsData = (service: string, host: string): Obstacle => ({
  path: `services.${service}`,
  message: `its volumes are on ${host}, and data does not move by itself`,
  remedy: `Move the data and: seawall volume forget VOLUME. Or let the service go with the host: --force; the volumes stay on its disk.`,
});

const tooMany = (path: string, count: number, max: number, hosts: number): Obstacle => ({
  path,
  message: `${count} replicas do not fit: at most ${max} on each of ${hosts} host${hosts === 1 ? '' : 's'}`,
  remedy: 'Lower the replicas, raise deploy.placement.max_replicas_per_node, or add a host.',
});
