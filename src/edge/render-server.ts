import type { EdgeModel, EdgeRoute, EdgeServer, EdgeSettings, EdgeUpstream } from './model.ts';
import { commentText, indent, listenPlain, listenTls } from './nginx-text.ts';
import { believesHeaders, requestHeaders } from './render-request.ts';
import { isServedByTls, refuseMisdirected, renderTls, renderUpstreamTls, tlsHeaders } from './render-tls.ts';
import { noRoute, renderWellKnown } from './render-unknown.ts';

/** Milliseconds that a WebSocket or an event stream may be silent, unless its route allows more. */
const silentStreamMs = 3_600_000;
/** Seconds after which a client of a route without replicas may come again. */
const retryAfterSeconds = 5;

/** What the servers of one domain differ by: plain HTTP and HTTPS. */
interface Face {
  /** How it listens, and by which certificate. */
  readonly listen: string;
  /** Before any location. */
  readonly first: readonly string[];
  /** `add_header` lines of every answer. */
  readonly headers: readonly string[];
  /** At the beginning of every location of a route. */
  readonly inRoute: readonly string[];
  readonly locations: readonly string[];
}

/** One domain with the routes of every project that has some there: over HTTPS, over plain HTTP, or over both. */
export function renderServer(
  server: EdgeServer,
  settings: EdgeSettings,
  upstreams: ReadonlyMap<string, EdgeUpstream>,
): string[] {
  const faces: Face[] = [];
  const { tls } = server;
  const mayRedirect = tls?.redirect === true;
  if (!isRedirectOnly(server, settings))
    faces.push({
      listen: listenPlain(settings),
      first: [],
      headers: [],
      inRoute: mayRedirect ? [redirectUnlessHttps(settings)] : [],
      locations: [renderWellKnown(settings)],
    });
  if (isServedByTls(server)) {
    const { isMutual } = server.tls;
    faces.push({
      listen: `${listenTls(settings)}\n${renderTls(server, settings)}`,
      first: [
        refuseMisdirected(server.domain, server.tls),
        ...(isMutual ? [requestHeaders(settings, { isMutual })] : []),
      ],
      headers: tlsHeaders(server.tls, settings),
      inRoute: [],
      locations: [],
    });
  }
  return faces.map((face) => renderFace(server, face, settings, upstreams));
}

function renderFace(
  server: EdgeServer,
  face: Face,
  settings: EdgeSettings,
  upstreams: ReadonlyMap<string, EdgeUpstream>,
): string {
  const projects = new Set(server.routes.map((route) => route.project));
  const isAway = server.routes.some((route) => route.upstream === undefined);
  const isShared = projects.size > 1;
  const context = { face, settings, upstreams, isShared };
  const parts = [
    [
      face.listen,
      `server_name ${server.domain};`,
      // Requests that end before their route is known (too large, broken) still count for the only project.
      `set $seawall_project "${isShared ? '' : ([...projects][0] ?? '')}";`,
      ...face.first,
      ...face.headers,
    ].join('\n'),
    ...face.locations,
    ...server.routes.map((route, index) => renderRoute(route, `@stream${index}`, context)),
    ...(server.routes.some((route) => route.path === '/') ? [] : ['location / {\n  return 404;\n}']),
    ...(isAway ? [unavailableLocations(face.headers)] : []),
  ];
  return `server {\n${indent(parts.join('\n\n'))}\n}`;
}

/** Nothing but redirects over plain HTTP: always, unless a proxy in front may have taken the client's HTTPS. */
function isRedirectOnly({ tls }: EdgeServer, settings: EdgeSettings): boolean {
  if (tls?.redirect !== true) return false;
  return tls.isMutual || !believesHeaders(settings);
}

/** The domains that plain HTTP only redirects, all in one server, and how a redirect is chosen. */
export function renderRedirects({ settings, servers }: EdgeModel): string[] {
  if (!servers.some(({ tls }) => tls?.redirect === true)) return [];
  const moved = `# GET and HEAD may be repeated by any client; other methods keep method and body (RFC 9110 section 15.4.9).
map $request_method $seawall_moved {
  default 308;
  GET 301;
  HEAD 301;
}`;
  const believed = `# A proxy in front has the client's HTTPS already.
map $seawall_proto $seawall_redirect {
  default $seawall_moved;
  https "";
}`;
  const domains = servers.filter((server) => isRedirectOnly(server, settings)).map(({ domain }) => domain);
  const maps = believesHeaders(settings) ? [moved, believed] : [moved];
  if (domains.length === 0) return maps;
  const server = `# Domains that are served over HTTPS only.
server {
${indent(listenPlain(settings))}
  server_name
${domains.map((domain) => `    ${domain}`).join('\n')};
${indent(noRoute)}

${indent(renderWellKnown(settings))}
  location / {
    if ($seawall_moved = 301) {
      return 301 ${httpsAddress(settings)};
    }
    return 308 ${httpsAddress(settings)};
  }
}`;
  return [...maps, server];
}

const httpsAddress = ({ rules: { httpsPort } }: EdgeSettings): string =>
  `https://$host${httpsPort === 443 ? '' : `:${httpsPort}`}$request_uri`;

const redirectUnlessHttps = (settings: EdgeSettings): string =>
  ['301', '308']
    .map((code) => `if ($seawall_redirect = ${code}) {\n  return ${code} ${httpsAddress(settings)};\n}`)
    .join('\n');

interface RouteContext {
  readonly face: Face;
  readonly settings: EdgeSettings;
  readonly upstreams: ReadonlyMap<string, EdgeUpstream>;
  /** Several projects have routes of the domain: only a route tells whose a request is. */
  readonly isShared: boolean;
}

function renderRoute(route: EdgeRoute, stream: string, context: RouteContext): string {
  const heading = `# ${route.domain}${route.path} of project ${route.project}: ${commentText(route.catalogService)}, port ${route.port}`;
  const { inRoute } = context.face;
  const body = [
    ...inRoute,
    route.upstream === undefined ? unavailableBody(route, context) : requestBody(route, stream, context),
  ].join('\n');
  const places = route.path === '/' ? ['^~ "/"'] : [`= "${route.path}"`, `^~ "${route.path}/"`];
  const locations = places.map((place) => `location ${place} {\n${indent(body)}\n}`);
  if (route.upstream !== undefined)
    locations.push(`location ${stream} {\n${indent(streamBody(route, context))}\n}`);
  return [heading, ...locations].join('\n');
}

function logVariables(route: EdgeRoute, { isShared }: RouteContext): string {
  return [
    ...(isShared ? [`set $seawall_project "${route.project}";`] : []),
    `set $seawall_route "${route.domain}${route.path}";`,
    `set $seawall_service "${route.catalogService}";`,
  ].join('\n');
}

function requestBody(route: EdgeRoute, stream: string, context: RouteContext): string {
  return `${logVariables(route, context)}
error_page 418 = ${stream};
if ($seawall_upgrade) {
  return 418;
}
if ($http_accept ~* "text/event-stream") {
  return 418;
}
${limits(route, route)}
${proxyPass(route, '', context)}`;
}

/** WebSocket and event streams: passed on as they come, silent for long. */
function streamBody(route: EdgeRoute, context: RouteContext): string {
  const patient = {
    readTimeoutMs: Math.max(route.readTimeoutMs, silentStreamMs),
    sendTimeoutMs: Math.max(route.sendTimeoutMs, silentStreamMs),
  };
  const { settings } = context;
  return `set $seawall_stream "1";
set $seawall_passed_upgrade $seawall_upgrade;
set $seawall_passed_connection $seawall_connection;
${settings.sources === undefined ? '' : 'proxy_bind $seawall_source;\n'}${limits(route, patient)}
proxy_buffering off;
${proxyPass(route, '$seawall_suffix', context)}`;
}

function proxyPass(route: EdgeRoute, suffix: string, { settings, upstreams }: RouteContext): string {
  const tls = upstreams.get(route.upstream ?? '')?.tls;
  if (tls === undefined) return `proxy_pass http://${route.upstream}${suffix};`;
  return `${renderUpstreamTls(tls, settings)}\nproxy_pass https://${route.upstream}${suffix};`;
}

function limits(
  route: EdgeRoute,
  timeouts: { readonly readTimeoutMs: number; readonly sendTimeoutMs: number },
): string {
  return `client_max_body_size ${route.bodyLimitBytes};
proxy_connect_timeout ${Math.max(1, route.connectTimeoutMs)}ms;
proxy_read_timeout ${Math.max(1, timeouts.readTimeoutMs)}ms;
proxy_send_timeout ${Math.max(1, timeouts.sendTimeoutMs)}ms;`;
}

function unavailableBody(route: EdgeRoute, context: RouteContext): string {
  return `# No replica is well.
${logVariables(route, context)}
error_page 418 =503 @unavailable_json;
error_page 503 @unavailable;
if ($http_accept ~* "application/json") {
  return 418;
}
return 503;`;
}

function unavailableLocations(others: readonly string[]): string {
  const headers = indent(
    [
      `add_header Retry-After ${retryAfterSeconds} always;`,
      'add_header Cache-Control no-store always;',
      ...others,
    ].join('\n'),
  );
  return `location @unavailable {
  internal;
  default_type "text/html; charset=utf-8";
${headers}
  return 503 '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Unavailable</title><body style="font:1.1em/1.5 system-ui;max-width:32em;margin:20vh auto;padding:0 1em"><h1>Unavailable for the moment</h1><p>Nothing answers for this address right now. Please try again in a few seconds.</p></body></html>\\n';
}
location @unavailable_json {
  internal;
  default_type application/json;
${headers}
  return 503 '{"error":"unavailable","message":"Nothing answers for this address right now.","retry_after_seconds":${retryAfterSeconds}}\\n';
}`;
}
