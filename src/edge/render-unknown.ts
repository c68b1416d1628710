import type { EdgeModel, EdgeSettings } from './model.ts';
import { indent, listenPlain, listenTls } from './nginx-text.ts';
import { hasTls, isServedByTls } from './render-tls.ts';

/** Variables of requests that belong to no route: nginx wants each of them set somewhere. */
export const noRoute = ['project', 'route', 'service', 'stream', 'passed_upgrade', 'passed_connection']
  .map((name) => `set $seawall_${name} "";`)
  .join('\n');

/**
 * Answered on plain HTTP for every host name, known or not: challenges of certificate authorities (RFC 8555 section
 * 8.3), which come before a domain is known to be ours, and the private CA's revocation list (RFC 5280 section 4.2.1.13).
 */
export const renderWellKnown = ({
  paths,
}: EdgeSettings): string => `location ^~ /.well-known/acme-challenge/ {
  types {
  }
  alias ${paths.edge}/challenges/;
}
location = /.well-known/seawall/ca.crl {
  types {
  }
  default_type application/pkix-crl;
  alias ${paths.edge}/public/ca.crl;
}`;

/** Servers for whatever no route names. */
export function renderUnknownHosts(model: EdgeModel): string[] {
  const { settings } = model;
  const plain = `# Hosts that no route names are cut off without an answer.
server {
${indent(listenPlain(settings, ' default_server'))}
  server_name _;
  access_log off;
${indent(noRoute)}

${indent(renderWellKnown(settings))}
  location / {
    return 444;
  }
}`;
  if (!hasTls(model)) return [plain];
  const tls = `# Names without a certificate, and none at all: no handshake. A known name with another one as host: misdirected.
server {
${indent(listenTls(settings, ' default_server'))}
  server_name _;
  ssl_reject_handshake on;
  access_log off;
${indent(noRoute)}
  return 421;
}`;
  return [plain, tls, ...refusedNames(model)];
}

/** Domains without HTTPS of their own, where a wildcard's would answer for them. */
function refusedNames({ settings, servers }: EdgeModel): string[] {
  const isWildcard = servers.some((server) => isServedByTls(server) && server.domain.startsWith('*.'));
  const names = servers.filter((server) => !isServedByTls(server)).map(({ domain }) => `    ${domain}`);
  if (!isWildcard || names.length === 0) return [];
  return [
    `# Not served over HTTPS, or not yet: no wildcard speaks for them.
server {
${indent(listenTls(settings))}
  server_name
${names.join('\n')};
  ssl_reject_handshake on;
  access_log off;
${indent(noRoute)}
  return 421;
}`,
  ];
}
