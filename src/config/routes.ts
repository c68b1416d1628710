import type { ComposeModel, DesiredRoute, Node, ServiceModel } from '../compose/index.ts';
import { placeAt, tcpPorts } from '../compose/index.ts';
import { catalogServiceName, nearestName } from '../names.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { parseBytes, parseDurationMs } from '../units.ts';
import type { ConfigInput, RouteInput } from './schema.ts';

export interface RouteInputs {
  readonly input: ConfigInput;
  readonly root: Node;
  readonly project: string;
  /** Services of the project; `undefined` when the Compose files are too wrong to tell. */
  readonly services: ComposeModel['services'] | undefined;
  readonly hash: (text: string) => string;
}

const DEFAULT_BODY_LIMIT = '1M';
const DEFAULT_TIMES = { connect: '2s', read: '60s', send: '60s', keepalive: '1s' } as const;

/** The routes of a project, sorted by domain and path, and what is wrong with them. */
export function settleRoutes(inputs: RouteInputs): {
  readonly routes: readonly DesiredRoute[];
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const routes: DesiredRoute[] = [];
  for (const [key, written] of Object.entries(inputs.input.routes ?? {})) {
    const report: Report = (path, text, remedy, what = 'value') =>
      problems.push(
        problemAt(
          placeAt(inputs.root, ['routes', key, ...path], what),
          ['routes', key, ...path],
          text,
          remedy,
        ),
      );
    const address = parseRouteKey(key);
    if (address === undefined)
      report(
        [],
        'a route is named by DOMAIN or DOMAIN/PATH',
        'Such as "polls.example.com" or "example.com/api".',
        'key',
      );
    const route = typeof written === 'string' ? shortForm(written) : written;
    checkTls(route, report);
    const target = settleTarget(route, inputs, report);
    if (address === undefined || target === undefined) continue;
    const twin = routes.find(({ domain, path }) => domain === address.domain && path === address.path);
    if (twin !== undefined)
      report(
        [],
        `another route leads to ${address.domain}${address.path} already`,
        'Keep one of them.',
        'key',
      );
    routes.push({ ...address, ...target, ...settings(route) });
  }
  const order = (a: DesiredRoute, b: DesiredRoute) => compare(a.domain, b.domain) || compare(a.path, b.path);
  return { routes: routes.sort(order), problems };
}

type Report = (path: KeyPath, text: string, remedy?: string, what?: 'key' | 'value') => void;

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function parseRouteKey(key: string): { readonly domain: string; readonly path: string } | undefined {
  const slash = key.indexOf('/');
  const domain = (slash === -1 ? key : key.slice(0, slash)).toLowerCase();
  const path = slash === -1 ? '/' : key.slice(slash);
  const isDomain =
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(domain) &&
    domain.length <= 253;
  return isDomain && /^(\/[A-Za-z0-9._~!&'()*+,=:@%-]*)+$/.test(path) ? { domain, path } : undefined;
}

function shortForm(text: string): RouteInput {
  const colon = text.lastIndexOf(':');
  return { service: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

function checkTls(route: RouteInput, report: Report): void {
  if (route.tls !== undefined) return;
  const name = route.service === undefined ? '' : `service: ${route.service}, `;
  const port = route.port === undefined ? '' : `port: ${route.port}, `;
  report(
    [],
    'HTTPS comes with a later version; until then a route must say that it does without',
    `Write {${name}${port}tls: off}.`,
  );
}

type Target = Pick<DesiredRoute, 'catalogService' | 'service' | 'port'>;

function settleTarget(route: RouteInput, inputs: RouteInputs, report: Report): Target | undefined {
  if ((route.service === undefined) === (route.catalog === undefined)) {
    report([], 'a route leads to either a "service" or a "catalog" name', 'Write one of them.', 'key');
    return undefined;
  }
  if (route.catalog !== undefined) return { catalogService: route.catalog, port: route.port ?? 0 };
  const name = route.service ?? '';
  if (inputs.services === undefined) return undefined;
  const service = Object.hasOwn(inputs.services, name) ? inputs.services[name] : undefined;
  if (service === undefined) {
    const nearest = nearestName(name, Object.keys(inputs.services));
    const remedy =
      'Services of other projects have routes there; a container started by hand is named with "catalog:".';
    report(
      ['service'],
      `there is no service "${name}"${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
      remedy,
    );
    return undefined;
  }
  const port = route.port ?? onlyPort(name, service, report);
  return port === undefined
    ? undefined
    : { catalogService: catalogServiceName(inputs.project, name, inputs.hash), service: name, port };
}

function onlyPort(name: string, service: ServiceModel, report: Report): number | undefined {
  const ports = tcpPorts(service);
  if (ports.length === 1) return ports[0];
  const found = ports.length === 0 ? 'none' : ports.join(', ');
  report(
    [],
    `which port of "${name}" is meant? It names ${found}`,
    'Add "port:", the port on which the program listens inside its container.',
  );
  return undefined;
}

function settings(route: RouteInput): Omit<DesiredRoute, 'domain' | 'path' | keyof Target> {
  const ms = (text: string | undefined, otherwise: string) => parseDurationMs(text ?? otherwise) ?? 0;
  return {
    tls: 'off',
    bodyLimitBytes: parseBytes(`${route.body_limit ?? DEFAULT_BODY_LIMIT}`) ?? 0,
    connectTimeoutMs: ms(route.connect_timeout, DEFAULT_TIMES.connect),
    readTimeoutMs: ms(route.read_timeout, DEFAULT_TIMES.read),
    sendTimeoutMs: ms(route.send_timeout, DEFAULT_TIMES.send),
    upstreamKeepaliveMs: ms(route.upstream_keepalive, DEFAULT_TIMES.keepalive),
  };
}

/** Problems with names under `expose:`. */
export function checkExpose({ input, root, services }: RouteInputs): readonly Problem[] {
  if (services === undefined) return [];
  const problems: Problem[] = [];
  for (const [name, ports] of Object.entries(input.expose ?? {})) {
    const service = Object.hasOwn(services, name) ? services[name] : undefined;
    if (service === undefined) {
      const nearest = nearestName(name, Object.keys(services));
      const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
      problems.push(
        problemAt(
          placeAt(root, ['expose', name], 'key'),
          ['expose', name],
          `there is no service "${name}"${hint}`,
        ),
      );
      continue;
    }
    for (const port of Object.keys(ports)) {
      const [number, protocol = 'tcp'] = port.split('/');
      const isPublished = (service.ports ?? []).some(
        (own) => (own.published ?? `${own.target}`) === number && (own.protocol ?? 'tcp') === protocol,
      );
      if (isPublished) continue;
      const path = ['expose', name, port];
      problems.push(
        problemAt(
          placeAt(root, path, 'key'),
          path,
          `"${name}" does not publish port ${port}`,
          `Add it to "ports:" of the service.`,
        ),
      );
    }
  }
  return problems;
}
