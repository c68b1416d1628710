import type { RouteRecord } from '../catalog/record.ts';
import { type CheckedRoute, checkRoute } from './route-text.ts';

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
}

export interface EdgeServer {
  readonly domain: string;
  readonly routes: readonly EdgeRoute[];
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

/** The key by which routes share an upstream, and by which the loop keeps addresses in force. */
export function upstreamName(route: Pick<RouteRecord, 'project' | 'catalogService' | 'port'>): string {
  // Names of upstreams know no case in nginx, and take part in URLs: all but the plain characters is written as ~hex.
  const encode = (text: string) =>
    [...new TextEncoder().encode(text)]
      .map((byte) => {
        const char = String.fromCharCode(byte);
        return /[a-z0-9._-]/.test(char) ? char : `~${byte.toString(16).padStart(2, '0')}`;
      })
      .join('');
  return `${encode(route.project)}~~${encode(route.catalogService)}~~${route.port}`;
}

/**
 * Joins the routes of all projects with the addresses in force. Routes that cannot be served (hostile or wrong text,
 * a domain and path that another project has already) are left out and reported, the others stay.
 * @param inForce upstream name → addresses.
 */
export function edgeModel(
  records: readonly RouteRecord[],
  inForce: ReadonlyMap<string, readonly string[]>,
  settings: EdgeSettings,
): { readonly model: EdgeModel; readonly problems: readonly RouteProblem[] } {
  const problems: RouteProblem[] = [];
  const upstreams = new Map<string, EdgeUpstream>();
  const servers = new Map<string, Map<string, EdgeRoute>>();
  for (const record of records.toSorted(byProject)) {
    const checked = checkRoute(record);
    if ('problem' in checked) {
      problems.push({ project: record.project, text: checked.problem });
      continue;
    }
    const { route } = checked;
    const server = servers.get(route.domain) ?? new Map<string, EdgeRoute>();
    const other = server.get(route.path);
    if (other !== undefined) {
      const text = `${route.domain}${route.path} of project ${route.project} is served by project ${other.project} already`;
      problems.push({ project: route.project, text });
      continue;
    }
    const upstream = upstreamOf(route, inForce, upstreams.get(upstreamName(route)));
    if (upstream !== undefined) upstreams.set(upstream.name, upstream);
    server.set(route.path, upstream === undefined ? route : { ...route, upstream: upstream.name });
    servers.set(route.domain, server);
  }
  return {
    model: { settings, upstreams: sortedUpstreams(upstreams), servers: sortedServers(servers) },
    problems,
  };
}

function upstreamOf(
  route: CheckedRoute,
  inForce: ReadonlyMap<string, readonly string[]>,
  known: EdgeUpstream | undefined,
): EdgeUpstream | undefined {
  const name = upstreamName(route);
  const addresses = inForce.get(name) ?? [];
  if (addresses.length === 0) return undefined;
  const { project, catalogService, port } = route;
  const keepaliveMs = Math.min(route.upstreamKeepaliveMs, known?.keepaliveMs ?? Number.POSITIVE_INFINITY);
  return { name, project, catalogService, port, addresses: addresses.toSorted(), keepaliveMs };
}

const sortedUpstreams = (upstreams: ReadonlyMap<string, EdgeUpstream>): EdgeUpstream[] =>
  [...upstreams.values()].toSorted((a, b) => compare(a.name, b.name));

const sortedServers = (servers: ReadonlyMap<string, ReadonlyMap<string, EdgeRoute>>): EdgeServer[] =>
  [...servers]
    .map(([domain, routes]) => ({
      domain,
      routes: [...routes.values()].toSorted(
        (a, b) => b.path.length - a.path.length || compare(a.path, b.path),
      ),
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
