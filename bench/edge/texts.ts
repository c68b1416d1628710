/** The configurations that Seawall's edge is compared with. All get the same upstreams, headers and log lines. */

export interface RivalSettings {
  /** `10.208.32.130:8080` */
  readonly upstreams: readonly string[];
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Folder of configuration, certificate and logs, the same in the container. */
  readonly folder: string;
  readonly domain: string;
}

/** The headers that Seawall's edge sends to replicas. */
const nginxHeaders = `proxy_set_header Host $host:$server_port;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host:$server_port;
  proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Request-Id $request_id;`;

/** The line that Seawall's edge logs, as far as others know the fields. */
const nginxLog = `log_format line escape=json
    '{"time":"$time_iso8601","route":"$server_name","method":"$request_method","host":"$host","uri":"$request_uri","protocol":"$server_protocol","status":"$status","bytes":"$body_bytes_sent","request_time":"$request_time","upstream_addr":"$upstream_addr","upstream_status":"$upstream_status","upstream_response_time":"$upstream_response_time","remote_addr":"$remote_addr","request_id":"$request_id"}';`;

const nginxTls = ({ folder }: RivalSettings): string => `ssl_certificate ${folder}/cert.pem;
  ssl_certificate_key ${folder}/key.pem;
  ssl_session_cache shared:SSL:10m;
  ssl_session_timeout 1d;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers off;`;

/**
 * What the tutorials say: an upstream with its servers and `proxy_pass`. nginx before 1.29.7 then speaks HTTP/1.0 and opens a
 * connection for each request; 1.30 keeps them, so that the old behaviour is written out.
 */
export function tutorialNginx(settings: RivalSettings): string {
  const { upstreams, httpPort, httpsPort, folder, domain } = settings;
  return `user nginx;
worker_processes auto;
pid /run/tutorial.pid;
events {
  worker_connections 768;
}
http {
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 65;
  ${nginxLog}
  access_log ${folder}/tutorial.log line buffer=64k flush=1s;
  upstream backend {
${upstreams.map((address) => `    server ${address};`).join('\n')}
    keepalive 0;
  }
  ${nginxTls(settings)}
  ${nginxHeaders}
  proxy_http_version 1.0;
  proxy_set_header Connection close;
  server {
    listen ${httpPort};
    listen ${httpsPort} ssl;
    server_name ${domain};
    location / {
      proxy_pass http://backend;
    }
  }
}
`;
}

/** What somebody who knows nginx writes for throughput. */
export function tunedNginx(settings: RivalSettings): string {
  const { upstreams, httpPort, httpsPort, folder, domain } = settings;
  return `user nginx;
worker_processes auto;
pid /run/tuned.pid;
error_log stderr error;
events {
  worker_connections 16384;
  multi_accept on;
}
http {
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 65;
  keepalive_requests 100000;
  ${nginxLog}
  access_log ${folder}/tuned.log line buffer=64k flush=1s;
  upstream backend {
    zone backend 64k;
    least_conn;
${upstreams.map((address) => `    server ${address};`).join('\n')}
    keepalive 256;
    keepalive_requests 100000;
  }
  ${nginxTls(settings)}
  ${nginxHeaders}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  server {
    listen ${httpPort} reuseport;
    listen ${httpsPort} ssl reuseport;
    server_name ${domain};
    location / {
      proxy_pass http://backend;
    }
  }
}
`;
}

/** HAProxy with connections kept and shared between threads. */
export function haproxy({ upstreams, httpPort, httpsPort, folder, domain }: RivalSettings): string {
  const fields = `{"time":"%t","route":"%b","method":"%HM","host":"%[var(txn.host)]","uri":"%HU","protocol":"%HV","status":"%ST","bytes":"%B","request_time":"%Ta","upstream_addr":"%si:%sp","upstream_response_time":"%Tr","remote_addr":"%ci","request_id":"%ID"}`;
  return `global
  maxconn 8000
  log stdout len 2048 format raw local0
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  log global
  timeout connect 2s
  timeout client 65s
  timeout server 60s
  timeout http-request 20s
  option http-keep-alive
  http-reuse always
frontend web
  bind :${httpPort}
  bind :${httpsPort} ssl crt ${folder}/both.pem alpn http/1.1
  unique-id-format %[uuid]
  unique-id-header X-Request-Id
  http-request set-var(txn.host) req.hdr(host)
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }
  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  log-format '${fields}'
  use_backend pool if { hdr(host),field(1,:) -i ${domain} }
backend pool
  balance leastconn
  option httpchk GET /
${upstreams.map((address, index) => `  server s${index} ${address} check inter 2s`).join('\n')}
`;
}

/** Caddy with a file for its log, which it writes as JSON itself. */
export function caddyfile({ upstreams, httpPort, httpsPort, folder, domain }: RivalSettings): string {
  const site = `log {
    output file ${folder}/caddy.log {
      roll_disabled
    }
    format json
  }
  reverse_proxy ${upstreams.join(' ')} {
    lb_policy least_conn
    header_up X-Real-IP {remote_host}
    header_up X-Forwarded-Port {server_port}
    header_up X-Request-Id {http.request.uuid}
    transport http {
      keepalive 60s
      keepalive_idle_conns_per_host 256
    }
  }`;
  return `{
  admin off
  auto_https off
  persist_config off
  default_sni ${domain}
}
http://${domain}:${httpPort} {
  ${site}
}
https://${domain}:${httpsPort} {
  tls ${folder}/cert.pem ${folder}/key.pem
  ${site}
}
`;
}
