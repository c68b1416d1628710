import type { EdgeRoute, EdgeServer, EdgeSettings } from './model.ts';
import { commentText, indent, listenPlain } from './nginx-text.ts';

/** Milliseconds that a WebSocket or an event stream may be silent, unless its route allows more. */
const silentStreamMs = 3_600_000;
/** Seconds after which a client of a route without replicas may come again. */
const retryAfterSeconds = 5;

/** One domain with the routes of every project that has some there. */
export function renderServer(server: EdgeServer, settings: EdgeSettings): string {
  const projects = new Set(server.routes.map((route) => route.project));
  const isAway = server.routes.some((route) => route.upstream === undefined);
  const parts = [
    [
      ...renderListen(settings),
      `server_name ${server.domain};`,
      // Requests that end before their route is known (too large, broken) still count for the only project.
      `set $seawall_project "${projects.size === 1 ? [...projects][0] : ''}";`,
    ].join('\n'),
    ...server.routes.map((route, index) => renderRoute(route, `@stream${index}`)),
    ...(server.routes.some((route) => route.path === '/') ? [] : ['location / {\n  return 404;\n}']),
    ...(isAway ? [unavailableLocations] : []),
  ];
  return `server {\n${indent(parts.join('\n\n'))}\n}`;
}

/** Where a server listens: plain HTTP today. */
function renderListen(settings: EdgeSettings): string[] {
  return [listenPlain(settings), ...renderTls()];
}

/** The place of `listen 443 ssl`, certificates and HSTS; routes say `tls: off` until there is something to say. */
function renderTls(): string[] {
  return [];
}

function renderRoute(route: EdgeRoute, stream: string): string {
  const heading = `# ${route.domain}${route.path} of project ${route.project}: ${commentText(route.catalogService)}, port ${route.port}`;
  const body = route.upstream === undefined ? unavailableBody(route) : requestBody(route, stream);
  const places = route.path === '/' ? ['^~ "/"'] : [`= "${route.path}"`, `^~ "${route.path}/"`];
  const locations = places.map((place) => `location ${place} {\n${indent(body)}\n}`);
  if (route.upstream !== undefined) locations.push(`location ${stream} {\n${indent(streamBody(route))}\n}`);
  return [heading, ...locations].join('\n');
}

function logVariables(route: EdgeRoute, stream: '' | '1'): string {
  return `set $seawall_project "${route.project}";
set $seawall_route "${route.domain}${route.path}";
set $seawall_service "${route.catalogService}";
set $seawall_stream "${stream}";`;
}

function requestBody(route: EdgeRoute, stream: string): string {
  return `${logVariables(route, '')}
error_page 418 = ${stream};
if ($seawall_upgrade) {
  return 418;
}
if ($http_accept ~* "text/event-stream") {
  return 418;
}
${limits(route, route)}
proxy_pass http://${route.upstream};`;
}

/** WebSocket and event streams: passed on as they come, silent for long. */
function streamBody(route: EdgeRoute): string {
  const patient = {
    readTimeoutMs: Math.max(route.readTimeoutMs, silentStreamMs),
    sendTimeoutMs: Math.max(route.sendTimeoutMs, silentStreamMs),
  };
  return `set $seawall_stream "1";
${limits(route, patient)}
proxy_buffering off;
proxy_pass http://${route.upstream}$seawall_suffix;`;
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

function unavailableBody(route: EdgeRoute): string {
  return `# No replica is well.
${logVariables(route, '')}
error_page 418 =503 @unavailable_json;
error_page 503 @unavailable;
if ($http_accept ~* "application/json") {
  return 418;
}
return 503;`;
}

const headers = `add_header Retry-After ${retryAfterSeconds} always;
add_header Cache-Control no-store always;`;

const unavailableLocations = `location @unavailable {
  internal;
  default_type "text/html; charset=utf-8";
${indent(headers)}
  return 503 '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Unavailable</title><body style="font:1.1em/1.5 system-ui;max-width:32em;margin:20vh auto;padding:0 1em"><h1>Unavailable for the moment</h1><p>Nothing answers for this address right now. Please try again in a few seconds.</p></body></html>\\n';
}
location @unavailable_json {
  internal;
  default_type application/json;
${indent(headers)}
  return 503 '{"error":"unavailable","message":"Nothing answers for this address right now.","retry_after_seconds":${retryAfterSeconds}}\\n';
}`;
