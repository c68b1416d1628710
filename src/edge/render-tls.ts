import type { EdgeModel, EdgeServer, EdgeSettings } from './model.ts';
import { servesHttp3 } from './nginx-text.ts';
import type { EdgeTls } from './tls-plan.ts';

/**
 * Mozilla's guidelines 6.0 (ssl-config.mozilla.org/guidelines/6.0.json): protocols, and ciphers of TLS 1.2. Those of 1.3
 * are OpenSSL's own. TLS 1.2 without (EC)DHE, and everything before 1.2, finds nothing in common.
 */
const policies = {
  intermediate: {
    protocols: 'TLSv1.2 TLSv1.3',
    ciphers: [
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-CHACHA20-POLY1305',
    ],
  },
  modern: { protocols: 'TLSv1.3', ciphers: [] },
} as const;
const hybridGroup = 'X25519MLKEM768';
const groups = ['X25519', 'prime256v1', 'secp384r1'];

/** Is there a domain for HTTPS, with its certificate or waiting for it? */
export const hasTls = (model: EdgeModel): boolean => model.servers.some(({ tls }) => tls !== undefined);

/** A server that clients reach by HTTPS. */
export const isServedByTls = (server: EdgeServer): server is EdgeServer & { readonly tls: EdgeTls } =>
  server.tls !== undefined && server.tls.certificates.length > 0;

/** What holds for all domains; nothing while there is no HTTPS. */
export function renderTlsSettings(model: EdgeModel): string[] {
  if (!hasTls(model)) return [];
  const { rules, capabilities, paths } = model.settings;
  const { protocols, ciphers } = policies[rules.tlsPolicy];
  const lines = [
    `# TLS as Mozilla's guidelines 6.0 say, ${rules.tlsPolicy}.`,
    `ssl_protocols ${protocols};`,
    ...(ciphers.length === 0 ? [] : [`ssl_ciphers ${ciphers.join(':')};`]),
    'ssl_prefer_server_ciphers off;',
    `ssl_ecdh_curve ${[...(capabilities.hybridGroup ? [hybridGroup] : []), ...groups].join(':')};`,
    `ssl_session_cache shared:${sessionCache(model)}:10m;`,
    'ssl_session_timeout 1d;',
    'ssl_session_tickets off;',
  ];
  if (servesHttp3(model.settings))
    lines.push('', '# HTTP/3', 'quic_retry on;', `quic_host_key ${paths.edge}/quic-host.key;`);
  const names = model.servers
    .filter(isServedByTls)
    .map(({ domain, tls }) => `  "${mapKey(domain)}" "${tls.group}";`);
  lines.push(
    '',
    '# Which domains may share a connection: those of one certificate, and none that asks for client certificates.',
    ['map $ssl_server_name $seawall_sni {', '  hostnames;', '  default "";', ...names, '}'].join('\n'),
  );
  return [lines.join('\n')];
}

/** Words that `map` takes for its own, also between quotes: a backslash before them is taken off again (nginx.org, ngx_http_map_module). */
const mapWords: readonly string[] = ['default', 'hostnames', 'include', 'volatile'];
const mapKey = (domain: string): string => (mapWords.includes(domain) ? `\\\\${domain}` : domain);

/**
 * Name of the cache. A session that is resumed is not verified again, whatever was revoked since (measured with nginx 1.30): other
 * revocation lists are another cache, so that every client is looked at anew.
 */
function sessionCache({ servers }: EdgeModel): string {
  const lists = servers.flatMap(({ tls }) => tls?.clientCrl ?? []);
  return ['seawall', ...[...new Set(lists)].map((file) => file.slice(0, 8)).sort()].join('-');
}

/** Certificate, client certificates and protocols of one domain. */
export function renderTls({ tls }: EdgeServer & { readonly tls: EdgeTls }, { paths }: EdgeSettings): string {
  const lines = ['http2 on;'];
  for (const name of tls.certificates) {
    lines.push(`ssl_certificate ${paths.edge}/certs/${name}.crt;`);
    lines.push(`ssl_certificate_key ${paths.edge}/certs/${name}.key;`);
  }
  if (tls.clientCa !== undefined) {
    lines.push(`ssl_client_certificate ${paths.edge}/trust/${tls.clientCa};`);
    if (tls.clientCrl !== undefined) lines.push(`ssl_crl ${paths.edge}/trust/${tls.clientCrl};`);
    lines.push('ssl_verify_client on;', 'ssl_verify_depth 4;');
  }
  if (tls.ownsHsts) lines.push('proxy_hide_header Strict-Transport-Security;');
  return lines.join('\n');
}

/** Headers of every answer over HTTPS; a location that adds headers of its own must add them again. */
export function tlsHeaders({ hsts }: EdgeTls, settings: EdgeSettings): string[] {
  const headers = hsts === undefined ? [] : [`add_header Strict-Transport-Security "${hsts}" always;`];
  // RFC 7838 section 3: for a day.
  if (servesHttp3(settings))
    headers.push(`add_header Alt-Svc 'h3=":${settings.rules.httpsPort}"; ma=86400' always;`);
  return headers;
}

/**
 * Refuses a request whose Host belongs to another connection than the one it came on (RFC 9110 section 15.5.20). Nearly all come
 * on a connection for their own domain, which is told without the map.
 */
export const refuseMisdirected = (
  domain: string,
  { group }: EdgeTls,
): string => `set $seawall_group "${group}";
if ($ssl_server_name != "${domain}") {
  set $seawall_group $seawall_sni;
}
if ($seawall_group != "${group}") {
  return 421;
}`;

/** How replicas that serve HTTPS themselves are spoken to: always verified. */
export function renderUpstreamTls(
  { trust, serverName }: { readonly trust: string; readonly serverName: string },
  { paths }: EdgeSettings,
): string {
  return `proxy_ssl_verify on;
proxy_ssl_verify_depth 4;
proxy_ssl_trusted_certificate ${paths.edge}/trust/${trust};
proxy_ssl_server_name on;
proxy_ssl_name "${serverName}";
proxy_ssl_protocols TLSv1.2 TLSv1.3;
proxy_ssl_session_reuse on;`;
}
