import type { EdgeSettings } from './model.ts';

/** Proxies in front that speak HTTP are believed; those that speak the PROXY protocol pass on what clients write. */
export const believesHeaders = ({ rules }: EdgeSettings): boolean =>
  rules.trustedProxies.length > 0 && !rules.proxyProtocol;

/** What a place of the configuration does beyond passing a request on. */
export interface RequestPlace {
  /** Replicas learn who the client is by its certificate. */
  readonly isMutual?: boolean;
}

/**
 * The headers that replicas get. nginx inherits all of them or none: a place that differs in one has the whole list. What clients
 * claim of themselves is overwritten, unless a proxy in front is believed. Empty ones are not sent. What only streams have is set where
 * they are passed on: a list of their own for each route would take 30 KB a route, and maps for every request its time (docs/edge.md).
 */
export function requestHeaders(settings: EdgeSettings, { isMutual = false }: RequestPlace = {}): string {
  const isBelieving = believesHeaders(settings);
  const host = hostVariable(settings);
  const headers = [
    ['Host', host],
    ['X-Real-IP', '$remote_addr'],
    ['X-Forwarded-For', isBelieving ? '$seawall_for' : '$remote_addr'],
    ['X-Forwarded-Proto', isBelieving ? '$seawall_proto' : '$scheme'],
    ['X-Forwarded-Host', host],
    ['X-Forwarded-Port', isBelieving ? '$seawall_port' : '$server_port'],
    ['X-Request-Id', '$request_id'],
    ['X-Client-Verify', isMutual ? '$seawall_client_verify' : '""'],
    ['X-Client-DN', isMutual ? '$seawall_client_dn' : '""'],
    ['Forwarded', '""'],
    ['Upgrade', '$seawall_passed_upgrade'],
    ['Connection', '$seawall_passed_connection'],
  ];
  return headers.map(([name, value]) => `proxy_set_header ${name} ${value};`).join('\n');
}

/** With the schemes' own ports there is none to be told. */
const hasUsualPorts = ({ httpPort, rules }: EdgeSettings): boolean =>
  httpPort === 80 && rules.httpsPort === 443;

/** The name that the client asked for, with the port unless it is the scheme's own. */
const hostVariable = (settings: EdgeSettings): string =>
  hasUsualPorts(settings) ? '$host' : '$seawall_host';

/** How `$seawall_host` and what {@link requestHeaders} names come about. */
export function renderForwardedMaps(settings: EdgeSettings): string[] {
  const { trustedProxies, proxyProtocol } = settings.rules;
  const ranges = trustedProxies.toSorted();
  const isBelieving = believesHeaders(settings);
  const parts: string[] = [];
  if (ranges.length > 0)
    parts.push(
      `# Proxies in front, whose word on the client's address counts.`,
      ...ranges.map((range) => `set_real_ip_from ${range};`),
      `real_ip_header ${proxyProtocol ? 'proxy_protocol' : 'X-Forwarded-For'};`,
      'real_ip_recursive on;',
    );
  if (isBelieving)
    parts.push(
      'geo $realip_remote_addr $seawall_trusted {',
      '  default 0;',
      ...ranges.map((range) => `  ${range} 1;`),
      '}',
    );
  if (!hasUsualPorts(settings)) parts.push(ownHost(isBelieving ? '$seawall_own_host' : '$seawall_host'));
  if (isBelieving && !hasUsualPorts(settings)) parts.push(believedHost);
  if (isBelieving) parts.push(believedMaps);
  return parts.length === 0 ? [] : [parts.join('\n')];
}

const ownHost = (
  name: string,
): string => `# The name that the client asked for, with the port unless it is the scheme's own.
map $server_port ${name} {
  default $host:$server_port;
  80 $host;
  443 $host;
}`;

const believedHost = `# A proxy in front has the ports that clients know.
map $seawall_trusted $seawall_host {
  default $seawall_own_host;
  1 $host;
}`;

const believedMaps = `# A proxy's headers are kept and its own address is added; of schemes only the two that there are.
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
