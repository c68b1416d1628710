import type { EdgeSettings } from './model.ts';

/** Proxies in front that speak HTTP are believed; those that speak the PROXY protocol pass on what clients write. */
export const believesHeaders = ({ rules }: EdgeSettings): boolean =>
  rules.trustedProxies.length > 0 && !rules.proxyProtocol;

/**
 * Headers on where the client is and how it asked. Without a proxy in front that is believed this edge is the first hop, and
 * what clients claim themselves is overwritten.
 */
export function renderForwarded(settings: EdgeSettings): string {
  const isBelieving = believesHeaders(settings);
  return `proxy_set_header X-Forwarded-For ${isBelieving ? '$seawall_for' : '$remote_addr'};
proxy_set_header X-Forwarded-Proto ${isBelieving ? '$seawall_proto' : '$scheme'};
proxy_set_header X-Forwarded-Host $seawall_host;
proxy_set_header X-Forwarded-Port ${isBelieving ? '$seawall_port' : '$server_port'};`;
}

/** How `$seawall_host` and what {@link renderForwarded} names come about. */
export function renderForwardedMaps(settings: EdgeSettings): string {
  const { trustedProxies, proxyProtocol } = settings.rules;
  const ranges = trustedProxies.toSorted();
  if (ranges.length === 0) return ownHost('$seawall_host');
  const realIp = [
    `# Proxies in front, whose word on the client's address counts.`,
    ...ranges.map((range) => `set_real_ip_from ${range};`),
    `real_ip_header ${proxyProtocol ? 'proxy_protocol' : 'X-Forwarded-For'};`,
    'real_ip_recursive on;',
  ].join('\n');
  if (!believesHeaders(settings)) return [realIp, ownHost('$seawall_host')].join('\n');
  const trusted = ranges.map((range) => `  ${range} 1;`).join('\n');
  const geo = `geo $realip_remote_addr $seawall_trusted {\n  default 0;\n${trusted}\n}`;
  return [realIp, geo, ownHost('$seawall_own_host'), believedMaps].join('\n');
}

const ownHost = (
  name: string,
): string => `# The name that the client asked for, with the port unless it is the scheme's own.
map $server_port ${name} {
  default $host:$server_port;
  80 $host;
  443 $host;
}`;

const believedMaps = `# A proxy's headers are kept and its own address is added; of schemes only the two that there are.
map $seawall_trusted $seawall_host {
  default $seawall_own_host;
  1 $host;
}
map $http_x_forwarded_for $seawall_appended {
  default "$http_x_forwarded_for, $realip_remote_addr";
  "" $realip_remote_addr;
}
map $seawall_trusted $seawall_for {
  default $remote_addr;
  1 $seawall_appended;
}
map "$seawall_trusted $http_x_forwarded_proto" $seawall_proto {
  default $scheme;
  "1 http" http;
  "1 https" https;
}
map "$scheme $seawall_proto" $seawall_port {
  default $server_port;
  "http https" 443;
  "https http" 80;
}`;
