import type { EdgeModel, EdgeSettings, EdgeUpstream } from './model.ts';
import { commentText, indent } from './nginx-text.ts';
import { renderForwardedMaps, requestHeaders } from './render-request.ts';
import { renderRedirects, renderServer } from './render-server.ts';
import { renderTlsSettings } from './render-tls.ts';
import { renderUnknownHosts } from './render-unknown.ts';

/**
 * Idle connections to a service that each worker keeps. With fewer than there are requests at a time, connections are closed and
 * opened again under load (docs/bench.md, 256 clients); `upstream_keepalive` ends what a peak leaves.
 */
const keptConnections = 256;

/**
 * Requests after which a connection is closed. nginx's own 1000 lets the handshakes take 4 % of what nginx does for requests
 * over HTTPS (docs/edge.md); without any bound, what it keeps for a connection is never freed.
 */
const requestsPerConnection = 10_000;

/** Addresses that 64 KiB of shared memory hold with room to spare: nginx refuses all of the configuration at 57 (measured with 1.30). */
const addressesPerZonePart = 48;
const zonePartKilobytes = 64;

/** nginx.conf as text: the same model gives the same bytes. Only models of `edgeModel` may come in: they are checked. */
export function renderNginx(model: EdgeModel): string {
  const { settings } = model;
  const upstreams = new Map(model.upstreams.map((upstream) => [upstream.name, upstream]));
  const blocks = [
    preamble(settings),
    'http {',
    indent(
      [
        httpSettings(settings),
        maps(settings),
        ...renderForwardedMaps(settings),
        ...renderTlsSettings(model),
        accessLog(settings),
        '# ---- Services: replicas that get requests -------------------------------------------------------------',
        ...model.upstreams.map(renderUpstream),
        ...(model.upstreams.length === 0 ? ['# none'] : []),
        '# ---- Routes ------------------------------------------------------------------------------------------',
        ...renderUnknownHosts(model),
        ...renderRedirects(model),
        ...model.servers.flatMap((server) => renderServer(server, settings, upstreams)),
        '# ---- For the edge loop -------------------------------------------------------------------------------',
        statusServer(settings),
      ].join('\n\n'),
    ),
    '}',
  ];
  return `${blocks.join('\n')}\n`;
}

function preamble({ generation, user }: EdgeSettings): string {
  return `# Generation ${generation}. Written by Seawall from the catalog; changes made here are replaced.
user ${user};
worker_processes auto;
pid /run/nginx.pid;
error_log stderr error;
pcre_jit on;

# Workers of earlier generations live as long as their WebSockets, but not for ever. Seawall ends the oldest
# sooner when there are too many of them.
worker_shutdown_timeout 24h;

events {
  worker_connections 16384;
}
`;
}

function httpSettings(settings: EdgeSettings): string {
  const { paths } = settings;
  return `server_tokens off;
default_type application/octet-stream;
uninitialized_variable_warn off;
server_names_hash_bucket_size 512;
server_names_hash_max_size 8192;
map_hash_bucket_size 512;
map_hash_max_size 8192;

# On the host's disk: the container's own is read-only, and its tmpfs is memory.
client_body_temp_path ${paths.edge}/temp/body;
proxy_temp_path ${paths.edge}/temp/proxy;
fastcgi_temp_path ${paths.edge}/temp/fastcgi;
uwsgi_temp_path ${paths.edge}/temp/uwsgi;
scgi_temp_path ${paths.edge}/temp/scgi;

# Clients. A reload answers one more request on each idle connection within keepalive_min_timeout of its last
# request before it closes it: without that, requests already on their way would be reset.
keepalive_timeout ${settings.rules.keepaliveMs}ms;
keepalive_min_timeout 5s;
keepalive_requests ${requestsPerConnection};
client_header_timeout 20s;
client_body_timeout 60s;
send_timeout 60s;
reset_timedout_connection on;
tcp_nodelay on;
# What a request needs comes in one piece instead of four.
request_pool_size 16k;

# Replicas. HTTP/1.1 with connections kept; another replica is tried when one does not connect or breaks
# before it answers, but POST, PATCH and LOCK are never sent twice.
proxy_http_version 1.1;
proxy_socket_keepalive on;
proxy_buffer_size 16k;
proxy_buffers 8 16k;
proxy_busy_buffers_size 32k;
proxy_next_upstream error timeout;
proxy_next_upstream_tries 3;
proxy_next_upstream_timeout 10s;

# What replicas learn of a request.
${requestHeaders(settings)}`;
}

function maps({ sources }: EdgeSettings): string {
  const text = `# Only WebSocket is upgraded: h2c would leave the edge's checks behind.
map $http_upgrade $seawall_upgrade {
  default "";
  websocket websocket;
}
# Empty, not "close": keeps the connection to the replica.
map $seawall_upgrade $seawall_connection {
  default "";
  websocket upgrade;
}
# Upgraded connections have upstreams of their own: connections are shared within an upstream, and these
# come from another source address.
map $seawall_upgrade $seawall_suffix {
  default "";
  websocket ~~upgraded;
}
# Client certificates, where a domain asks for them.
map $ssl_client_verify $seawall_client_verify {
  default "";
  SUCCESS SUCCESS;
}
map $ssl_client_verify $seawall_client_dn {
  default "";
  SUCCESS $ssl_client_s_dn;
}`;
  if (sources === undefined) return text;
  return `${text}
# The source address tells Seawall which connections of old workers are upgraded ones.
map $seawall_upgrade $seawall_source {
  default ${sources.requests};
  websocket ${sources.upgraded};
}
proxy_bind ${sources.requests};`;
}

function accessLog({ paths }: EdgeSettings): string {
  const fields = [
    ['time', '$time_iso8601'],
    ['project', '$seawall_project'],
    ['route', '$seawall_route'],
    ['service', '$seawall_service'],
    ['method', '$request_method'],
    ['host', '$host'],
    ['uri', '$request_uri'],
    ['protocol', '$server_protocol'],
    ['status', '$status'],
    ['bytes', '$body_bytes_sent'],
    ['request_time', '$request_time'],
    ['upstream_addr', '$upstream_addr'],
    ['upstream_status', '$upstream_status'],
    ['upstream_response_time', '$upstream_response_time'],
    ['remote_addr', '$remote_addr'],
    ['stream', '$seawall_stream'],
    ['request_id', '$request_id'],
  ];
  // A text between two variables costs one step when it is within one word of nginx's, two when it is not.
  const lines = fields.map(([name, value], index) => {
    const start = index === 0 ? '{' : '",';
    const end = index === fields.length - 1 ? '"}' : '';
    return `  '${start}"${name}":"${value}${end}'`;
  });
  return `# One JSON object a line; written at the latest after a second.
log_format seawall escape=json
${lines.join('\n')};
access_log ${paths.edge}/logs/access.log seawall buffer=64k flush=1s;`;
}

function renderUpstream(upstream: EdgeUpstream): string {
  return [
    `# ${commentText(upstream.catalogService)} for project ${upstream.project}`,
    ...['', '~~upgraded'].map((suffix) => {
      const servers = upstream.addresses.map((address) => `  server ${address} max_fails=3 fail_timeout=2s;`);
      return `upstream ${upstream.name}${suffix} {
  zone ${upstream.name}${suffix} ${zoneKilobytes(upstream)}k;
  least_conn;
${servers.join('\n')}
  keepalive ${keptConnections};
  keepalive_requests ${requestsPerConnection};
  keepalive_timeout ${Math.max(1, upstream.keepaliveMs)}ms;
}`;
    }),
  ].join('\n');
}

const zoneKilobytes = ({ addresses }: EdgeUpstream): number =>
  zonePartKilobytes * Math.max(1, Math.ceil(addresses.length / addressesPerZonePart));

function statusServer({ paths, generation }: EdgeSettings): string {
  return `server {
  listen unix:${paths.edge}/status.sock;
  access_log off;
  keepalive_timeout 0;
  location = /generation {
    default_type text/plain;
    return 200 "${generation}";
  }
  location = /stub_status {
    stub_status;
  }
  location / {
    return 404;
  }
}`;
}
