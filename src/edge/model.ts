import type { RouteRecord } from '../catalog/record.ts';
import type { EdgeRules } from '../cluster.ts';
import type { EdgeCapabilities } from './capabilities.ts';
import { type CheckedRoute, checkRoute } from './route-text.ts';
import { domainTls, type EdgeTls, edgeTls, noTls, type TlsState, tlsConflict } from './tls-plan.ts';
import { upstreamName } from './upstream-name.ts';

/** What stands in nginx.conf, all of it checked: {@link renderNginx} only writes it down. */
export interface EdgeModel {
  readonly settings: EdgeSettings;
  /** Sorted by name. */
  readonly upstreams: readonly EdgeUpstream[];
  /** Sorted by domain; each with its routes, longest path first. */
  readonly servers: readonly EdgeServer[];
}

export interface EdgeSettings {
  /** Rises with every configuration; `/generation` of the status socket answers it. */
  readonly generation: number;
  readonly httpPort: number;
  readonly rules: EdgeRules;
  readonly capabilities: EdgeCapabilities;
  /** The host can listen on `[::]`. */
  readonly ipv6: boolean;
  /** Source addresses of proxied connections; absent: the kernel's choice, and upgraded ones are not told apart. */
  readonly sources?: { readonly requests: string; readonly upgraded: string };
  readonly paths: EdgePaths;
  /** Unix user of the workers; `nginx` in the official image. */
  readonly user: string;
}

export interface EdgePaths {
  /** Folder of generations, socket, logs and temporary files; the same inside the edge container. */
  readonly edge: string;
}

/** Servers that share requests: one service on one port as one project sees it. */
export interface EdgeUpstream {
  readonly name: string;
  readonly project: string;
  readonly catalogService: string;
  readonly port: number;
  /** `10.208.17.2:8000`, sorted, never empty. */
  readonly addresses: readonly string[];
  readonly keepaliveMs: number;
  /** Spoken to by HTTPS and verified: `trust` is a file below `trust/`. Absent: plain HTTP. */
  readonly tls?: { readonly trust: string; readonly serverName: string };
}

export interface EdgeServer {
  readonly domain: string;
  readonly routes: readonly EdgeRoute[];
  /** Absent: plain HTTP only. */
  readonly tls?: EdgeTls;
}

export interface EdgeRoute extends CheckedRoute {
  /** Absent: no replica is well, the route answers 503. */
  readonly upstream?: string;
}

/** A route that is not served, and why. */
export interface RouteProblem {
  readonly project: string;
  readonly text: string;
}

/**
 * Joins the routes of all projects with the addresses in force. Routes that cannot be served (hostile or wrong text,
 * a domain and path that another project has already) are left out and reported, the others stay.
 * @param inForce upstream name → addresses.
 * @param state certificates and CAs that are on the disk.
 */
export function edgeModel(
  records: readonly RouteRecord[],
  inForce: ReadonlyMap<string, readonly string[]>,
  settings: EdgeSettings,
  state: TlsState = noTls,
): { readonly model: EdgeModel; readonly problems: readonly RouteProblem[] } {
  const problems: RouteProblem[] = [];
  const upstreams = new Map<string, EdgeUpstream>();
  const servers: EdgeServer[] = [];
  const complain = (route: CheckedRoute, text: string) =>
    problems.push({
      project: route.project,
      text: `${route.domain}${route.path} of project ${route.project}: ${text}`,
    });
  for (const [domain, all] of Map.groupBy(checkedRoutes(records, problems), (route) => route.domain)) {
    const wish = domainTls(all);
    const routes = all.filter((route) => {
      const conflict = tlsConflict(route, wish);
      if (conflict !== undefined) complain(route, conflict.text);
      return conflict?.isRefused !== true;
    });
    const served = routes.map((route) => {
      const upstream = upstreamOf(route, inForce, state, upstreams.get(upstreamName(route)));
      if (upstream === undefined) return route;
      if (typeof upstream === 'string') {
        complain(route, upstream);
        return route;
      }
      upstreams.set(upstream.name, upstream);
      return { ...route, upstream: upstream.name };
    });
    const [first] = routes;
    if (wish === 'off' || first === undefined) {
      servers.push({ domain, routes: served });
      continue;
    }
    const { tls, problem } = edgeTls(domain, wish, state);
    if (problem !== undefined) complain(first, problem);
    servers.push({ domain, routes: served, tls });
  }
  return {
    model: { settings, upstreams: sortedUpstreams(upstreams), servers: sortedServers(servers) },
    problems,
  };
}

/** Routes that may be written, one a domain and path. */
function checkedRoutes(records: readonly RouteRecord[], problems: RouteProblem[]): CheckedRoute[] {
  const kept = new Map<string, CheckedRoute>();
  for (const record of records.toSorted(byProject)) {
    const checked = checkRoute(record);
    if ('problem' in checked) {
      problems.push({ project: record.project, text: checked.problem });
      continue;
    }
    const { route } = checked;
    const other = kept.get(`${route.domain}${route.path}`);
    if (other !== undefined) {
      const text = `${route.domain}${route.path} of project ${route.project} is served by project ${other.project} already`;
      problems.push({ project: route.project, text });
    } else kept.set(`${route.domain}${route.path}`, route);
  }
  return [...kept.values()];
}

/** Undefined: no addresses; a text: why replicas must not be spoken to. */
function upstreamOf(
  route: CheckedRoute,
  inForce: ReadonlyMap<string, readonly string[]>,
  { trust }: TlsState,
  known: EdgeUpstream | undefined,
): EdgeUpstream | string | undefined {
  const name = upstreamName(route);
  const { project, catalogService, port, upstreamTls } = route;
  const file = upstreamTls === undefined ? undefined : trust.get(upstreamTls.trust);
  if (upstreamTls !== undefined && file === undefined)
    return upstreamTls.trust === 'internal'
      ? 'the private CA that its replicas are verified by is not there yet'
      : 'the CAs that its replicas are verified by cannot be read';
  const addresses = inForce.get(name) ?? [];
  if (addresses.length === 0) return undefined;
  const keepaliveMs = Math.min(route.upstreamKeepaliveMs, known?.keepaliveMs ?? Number.POSITIVE_INFINITY);
  const shared = { name, project, catalogService, port, addresses: addresses.toSorted(), keepaliveMs };
  if (file === undefined) return shared;
  return { ...shared, tls: { trust: file, serverName: upstreamTls?.serverName ?? route.domain } };
}

const sortedUpstreams = (upstreams: ReadonlyMap<string, EdgeUpstream>): EdgeUpstream[] =>
  [...upstreams.values()].toSorted((a, b) => compare(a.name, b.name));

const sortedServers = (servers: readonly EdgeServer[]): EdgeServer[] =>
  servers
    .map((server) => ({
      ...server,
      routes: server.routes.toSorted((a, b) => b.path.length - a.path.length || compare(a.path, b.path)),
    }))
    .toSorted((a, b) => compare(a.domain, b.domain));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byProject = (a: RouteRecord, b: RouteRecord): number =>
  compare(a.project, b.project) || compare(a.domain, b.domain) || compare(a.path, b.path);

/** What an {@link import('../catalog/record.ts').Acknowledgement} says is in force: catalog service → addresses. */
export function servicesInForce(model: EdgeModel): Record<string, string[]> {
  const services = new Map<string, Set<string>>();
  for (const server of model.servers) {
    for (const route of server.routes)
      services.set(route.catalogService, services.get(route.catalogService) ?? new Set());
  }
  for (const upstream of model.upstreams) {
    for (const address of upstream.addresses) services.get(upstream.catalogService)?.add(address);
  }
  return Object.fromEntries(
    [...services].toSorted(([a], [b]) => compare(a, b)).map(([name, set]) => [name, [...set].toSorted()]),
  );
}
