import { type Instance, META, type RouteRecord } from '../catalog/record.ts';
import type { HealthRule } from '../compose/desired.ts';
import { hostAddressOf } from '../ranges.ts';
import { readRoutePorts, servedPort } from '../route-port.ts';
import { upstreamName } from './upstream-name.ts';

/** What the edge knows of the cluster at one moment. */
export interface EdgeInputs {
  readonly routes: readonly RouteRecord[];
  /** By catalog service. */
  readonly instances: Readonly<Record<string, readonly Instance[]>>;
  /** Hosts of the cluster; instances of other nodes (registered by hand) need no sign of life. */
  readonly hosts: readonly string[];
  /** Hosts whose agent holds its session. */
  readonly alive: readonly string[];
  /** PEM of the private CA's root; absent: there is none yet. */
  readonly root?: string;
}

/** How an address is looked at before it gets requests. */
export type CandidateProbe =
  | { readonly kind: 'http'; readonly path: string; readonly port: number; readonly host: string }
  /** A handshake that has to end well. `trust`: PEM of CAs. */
  | { readonly kind: 'tls'; readonly serverName: string; readonly trust: string }
  | { readonly kind: 'tcp' };

/** An address that serves, or may soon serve, the routes of one upstream. */
export interface Candidate {
  /** `10.208.17.2:8000` */
  readonly address: string;
  readonly probe: CandidateProbe;
  /** Passing in the catalog, not draining, on a host that is alive. Others are only probed ahead. */
  readonly isReady: boolean;
  /** Private address of the cluster's host that it is on; absent for instances elsewhere. */
  readonly hostAddress?: string;
}

/** Upstream name → candidates, sorted by address. Every upstream that a route names is there. */
export type Candidates = ReadonlyMap<string, readonly Candidate[]>;

/** What can never be a candidate: address or instance → why. */
export interface CandidateList {
  readonly candidates: Candidates;
  readonly problems: Readonly<Record<string, string>>;
}

/** Reads the candidates of every route's upstream off the inputs. */
export function candidatesOf(inputs: EdgeInputs): CandidateList {
  const problems: Record<string, string> = {};
  const candidates = new Map<string, readonly Candidate[]>();
  for (const [name, routes] of Map.groupBy(inputs.routes, upstreamName))
    candidates.set(name, candidatesOfRoutes(routes, inputs, problems));
  return { candidates, problems };
}

/** Candidates of routes that share an upstream: one service on one port. */
function candidatesOfRoutes(
  routes: readonly RouteRecord[],
  inputs: EdgeInputs,
  problems: Record<string, string>,
): readonly Candidate[] {
  const [route] = routes;
  if (route === undefined) return [];
  const instances = (inputs.instances[route.catalogService] ?? []).filter(
    ({ meta, draining }) => !draining && (meta[META.project] ?? route.project) === route.project,
  );
  const passing = instances.filter((instance) => instance.status === 'passing');
  const living = passing.filter((instance) => isHostAlive(instance.host, inputs));
  // A cluster that lost its agents or sessions all at once still serves.
  const ready = new Set(living.length > 0 ? living : passing);
  const found = new Map<string, Candidate>();
  for (const instance of instances) {
    const address = addressOf(instance, route);
    if (address === undefined) {
      problems[instance.id] =
        `no IPv4 address and port to send requests to (${instance.address}:${instance.port})`;
      continue;
    }
    const others = routes
      .flatMap((each) => addressOf(instance, each) ?? [])
      .filter((each) => each !== address);
    if (others.length > 0) {
      // Half of the requests would go to the wrong port.
      for (const each of [address, ...others])
        problems[each] = 'it serves routes of one port on several: change their ports one after the other';
      continue;
    }
    const isReady = ready.has(instance);
    if (!isReady && instance.status === 'passing')
      problems[address] = `host ${instance.host} shows no sign of life`;
    if (found.get(address)?.isReady !== true)
      found.set(address, {
        address,
        probe: probeOf(instance, route, inputs),
        isReady,
        ...placeOf(instance, inputs),
      });
  }
  return [...found.values()].toSorted((a, b) => (a.address < b.address ? -1 : 1));
}

function placeOf({ host, address }: Instance, { hosts }: EdgeInputs): Pick<Candidate, 'hostAddress'> {
  const hostAddress = hosts.includes(host) ? hostAddressOf(address) : undefined;
  return hostAddress === undefined ? {} : { hostAddress };
}

const isHostAlive = (host: string, { hosts, alive }: EdgeInputs): boolean =>
  !hosts.includes(host) || alive.includes(host);

const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** Seawall's own replicas are reached on their own port for the route, all others on the one they are registered with. */
function addressOf(instance: Instance, route: RouteRecord): string | undefined {
  const port =
    instance.meta[META.project] === undefined
      ? instance.port
      : servedPort(readRoutePorts(instance.meta[META.routes]), route);
  if (!ipv4.test(instance.address) || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  return `${instance.address}:${port}`;
}

function probeOf(instance: Instance, route: RouteRecord, { root }: EdgeInputs): CandidateProbe {
  const { upstreamTls } = route;
  if (upstreamTls !== undefined) {
    const trust = upstreamTls.trust === 'internal' ? root : upstreamTls.trust;
    // Without the CA its route is not served yet; that it accepts connections can be known ahead.
    if (trust === undefined) return { kind: 'tcp' };
    return { kind: 'tls', serverName: upstreamTls.serverName ?? route.domain, trust };
  }
  const text = instance.meta[META.probe];
  if (text === undefined) return { kind: 'tcp' };
  try {
    const rule = JSON.parse(text) as HealthRule;
    if (rule.kind === 'http' && typeof rule.path === 'string' && Number.isInteger(rule.port))
      return { kind: 'http', path: rule.path, port: rule.port, host: route.domain };
  } catch {
    // A rule of a later version, perhaps: that it accepts connections is asked all the same.
  }
  return { kind: 'tcp' };
}

/** Every address that routes could lead to, whatever its state: what a worker of an unknown generation may know. */
export function knownAddresses(inputs: EdgeInputs): readonly string[] {
  const addresses = inputs.routes.flatMap((route) =>
    (inputs.instances[route.catalogService] ?? []).flatMap((instance) => addressOf(instance, route) ?? []),
  );
  return [...new Set(addresses)].toSorted();
}
