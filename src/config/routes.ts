import type { DesiredCertificate } from '../compose/desired.ts';
import type { ComposeModel, DesiredRoute, Node, ServiceModel } from '../compose/index.ts';
import { placeAt, tcpPorts } from '../compose/index.ts';
import { catalogServiceName, isDomain, nearestName } from '../names.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { parseBytes, parseDurationMs } from '../units.ts';
import { type CertificateSettings, settleSettings } from './certificate-settings.ts';
import { gatherCertificates, settleDomain, settleUpstream, type WrittenRoute } from './domain-tls.ts';
import type { ConfigInput, RouteInput } from './schema.ts';
import { type TlsContext, type TlsParts, tlsContext } from './tls-context.ts';

export interface RouteInputs {
  readonly input: ConfigInput;
  readonly root: Node;
  readonly project: string;
  /** Services of the project; `undefined` when the Compose files are too wrong to tell. */
  readonly services: ComposeModel['services'] | undefined;
  readonly tls: TlsParts;
}

const DEFAULT_BODY_LIMIT = '1M';
const DEFAULT_TIMES = { connect: '2s', read: '60s', send: '60s', keepalive: '1s' } as const;

/** What seawall.yml says of routes and their certificates. */
export interface SettledRoutes {
  /** Sorted by domain and path. */
  readonly routes: readonly DesiredRoute[];
  readonly certificates: readonly DesiredCertificate[];
  /** Of certificates that no route names. */
  readonly settings: CertificateSettings;
  /** SHA-256 → text of what the certificates name. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** The private CA: what a project with a wrong `tls` has until it is right. */
const NO_SETTINGS: CertificateSettings = {
  source: 'internal',
  issuers: [],
  challenge: 'http',
  keys: ['ecdsa'],
};

/** The routes of a project with their certificates, and what is wrong with them. */
export function settleRoutes(inputs: RouteInputs): SettledRoutes & { readonly problems: readonly Problem[] } {
  const { input, root } = inputs;
  const context = tlsContext(root, inputs.tls);
  const drafts = Object.entries(input.routes ?? {}).flatMap(([key, written]) =>
    settleRoute(key, typeof written === 'string' ? shortForm(written) : written, inputs, context),
  );
  refuseTwins(drafts, context);
  const domains = Map.groupBy(drafts, ({ domain }) => domain);
  const routes: DesiredRoute[] = [];
  const found: { readonly key: string; readonly certificate: DesiredCertificate }[] = [];
  for (const [first, ...others] of domains.values()) {
    if (first === undefined) continue;
    const settled = settleDomain([first, ...others], input.tls, context);
    if (settled === undefined) continue;
    if (settled.certificate !== undefined) found.push({ key: first.key, certificate: settled.certificate });
    routes.push(
      ...[first, ...others].flatMap(({ route }) => (route ? [{ ...route, tls: settled.tls }] : [])),
    );
  }
  const order = (a: DesiredRoute, b: DesiredRoute) => compare(a.domain, b.domain) || compare(a.path, b.path);
  const certificates = gatherCertificates(found, context);
  const settings = settleSettings([{ value: input.tls ?? {}, path: ['tls'] }], context) ?? NO_SETTINGS;
  const secrets = Object.fromEntries([...context.secrets].sort());
  return { routes: routes.sort(order), certificates, settings, secrets, problems: context.problems };
}

/** A route on its way: its target is absent when that is wrong, and HTTPS is checked all the same. */
interface Draft extends WrittenRoute {
  readonly path: string;
  readonly route?: Omit<DesiredRoute, 'tls'>;
}

function settleRoute(key: string, route: RouteInput, inputs: RouteInputs, context: TlsContext): Draft[] {
  const report: Report = (path, text, remedy, what = 'value') =>
    context.report(['routes', key, ...path], text, remedy, { what });
  const address = parseRouteKey(key);
  const flaw = isDomain(address.domain) ? pathFlaw(address.path) : unnamed;
  if (flaw !== undefined) report([], flaw.text, flaw.remedy, 'key');
  const target = settleTarget(route, inputs, report);
  const upstreamTls = settleUpstream(route.upstream_tls, ['routes', key, 'upstream_tls'], context);
  if (flaw !== undefined) return [];
  const draft = { key, tls: route.tls, ...address };
  if (target === undefined) return [draft];
  const more = upstreamTls === undefined ? {} : { upstreamTls };
  return [{ ...draft, route: { ...address, ...target, ...more, ...settings(route) } }];
}

function refuseTwins(drafts: readonly Draft[], { report }: TlsContext): void {
  for (const [at, { key, domain, path }] of drafts.entries()) {
    if (!drafts.slice(0, at).some((other) => other.domain === domain && other.path === path)) continue;
    const text = `another route leads to ${domain}${path} already`;
    report(['routes', key], text, 'Keep one of them.', { what: 'key' });
  }
}

type Report = (path: KeyPath, text: string, remedy?: string, what?: 'key' | 'value') => void;

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function parseRouteKey(key: string): { readonly domain: string; readonly path: string } {
  const slash = key.indexOf('/');
  if (slash === -1) return { domain: key.toLowerCase(), path: '/' };
  return { domain: key.slice(0, slash).toLowerCase(), path: key.slice(slash) };
}

/** What keeps a route from being served, and what to write instead. */
interface Flaw {
  readonly text: string;
  readonly remedy: string;
}

const unnamed: Flaw = {
  text: 'a route is named by DOMAIN or DOMAIN/PATH',
  remedy: 'Such as "polls.example.com" or "example.com/api".',
};
const LONGEST_PATH = 512;
/** What edges take: RFC 3986 pchar without `%` and `$`, and letters and digits of any script. */
const PATH_PATTERN = /^(\/|(\/[\p{L}\p{N}\p{M}._~!&'()*+,;=:@-]+)+)$/u;
/** What edges answer themselves on every domain. */
const RESERVED_PATHS = ['/.well-known/acme-challenge', '/.well-known/seawall'];

/** Why edges would leave a path out (src/edge/route-text.ts; routes.test.ts holds the two together). */
function pathFlaw(written: string): Flaw | undefined {
  const path = written === '/' ? '/' : written.replace(/\/$/, '');
  if (path.includes('%'))
    return { text: 'a path is not percent-encoded', remedy: `Write it as it is read: ${readable(path)}` };
  if (written.includes('//'))
    return { text: 'the path holds //', remedy: 'Write one slash: edges read several as one.' };
  if (path.split('/').some((part) => part === '.' || part === '..'))
    return { text: 'the path holds . or ..', remedy: 'Write the path that it leads to.' };
  const reserved = RESERVED_PATHS.find((each) => path === each || path.startsWith(`${each}/`));
  if (reserved !== undefined)
    return { text: `${reserved} is answered by the edges themselves`, remedy: 'Take another path.' };
  if (path.length > LONGEST_PATH)
    return { text: `a path has at most ${LONGEST_PATH} characters`, remedy: 'Take the beginning of it.' };
  if (PATH_PATTERN.test(path)) return undefined;
  const text = 'the path holds characters that it may not have';
  return { text, remedy: "Letters and digits of any script, and ._~!&'()*+,;=:@- between slashes." };
}

/** A path without its percent-encoding, or an example of one. */
function readable(path: string): string {
  try {
    const decoded = decodeURIComponent(path);
    if (pathFlaw(decoded) === undefined) return decoded;
  } catch {
    // A lone % is no encoding.
  }
  return '/café';
}

function shortForm(text: string): RouteInput {
  const colon = text.lastIndexOf(':');
  return { service: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
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
    : { catalogService: catalogServiceName(inputs.project, name, inputs.tls.hash), service: name, port };
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

function settings(route: RouteInput): Omit<DesiredRoute, 'domain' | 'path' | 'tls' | keyof Target> {
  const ms = (text: string | undefined, otherwise: string) => parseDurationMs(text ?? otherwise) ?? 0;
  return {
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
