/** The plain nginx beside Seawall's edge: what a person writes for as many domains, with the same certificates. */

/** A domain and its files. */
export interface PlainDomain {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
}

export interface PlainSettings {
  readonly domains: readonly PlainDomain[];
  /** `10.208.32.130:8080` */
  readonly upstreams: readonly string[];
  readonly port: number;
  readonly folder: string;
}

/** Domains with their files as a configuration names them: the first pair of each server that has one. */
export function domainsOf(text: string): readonly PlainDomain[] {
  return text
    .split(/\bserver \{/)
    .map((server) => ({
      name: word(server, 'server_name'),
      certificate: word(server, 'ssl_certificate'),
      key: word(server, 'ssl_certificate_key'),
    }))
    .filter(({ name, certificate }) => name !== '' && certificate !== '');
}

/** The first word behind a directive. */
const word = (server: string, directive: string): string =>
  new RegExp(`\\b${directive}\\s+"?([^\\s";]+)`).exec(server)?.[1] ?? '';

/** Mozilla's intermediate profile, a session cache, one upstream: as its configuration generator gives it for a domain. */
export function plainNginx({ domains, upstreams, port, folder }: PlainSettings): string {
  const servers = domains.map(
    ({ name, certificate, key }) => `  server {
    listen ${port} ssl;
    http2 on;
    server_name ${name};
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
    }
  }`,
  );
  return `user nginx;
worker_processes auto;
pid /run/plain.pid;
error_log stderr error;
events {
  worker_connections 16384;
}
http {
  access_log ${folder}/plain.log combined buffer=64k flush=1s;
  server_names_hash_max_size 8192;
  server_names_hash_bucket_size 128;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers off;
  ssl_session_cache shared:plain:10m;
  ssl_session_timeout 1d;
  ssl_session_tickets off;
  upstream backend {
    zone backend 64k;
    least_conn;
${upstreams.map((address) => `    server ${address};`).join('\n')}
    keepalive 64;
  }
${servers.join('\n')}
}
`;
}
