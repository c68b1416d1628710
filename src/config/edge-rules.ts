import { defaultEdgeRules, type EdgeRules } from '../cluster.ts';
import { type Node, placeAt } from '../compose/index.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { parseDurationMs } from '../units.ts';
import type { ConfigInput } from './schema.ts';

/** Of clients' idle connections: what a lossless reload takes (`keepalive_min_timeout` in docs/edge.md). */
const leastKeepaliveMs = 5_000;

/** What holds for everything that the edges serve, and what of it is impossible together. */
export function settleEdgeRules(
  { edge = {}, tls = {} }: Pick<ConfigInput, 'edge' | 'tls'>,
  httpPort: number,
  root: Node,
): { readonly rules: EdgeRules; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report = (path: KeyPath, text: string, remedy: string) =>
    problems.push(problemAt(placeAt(root, path), path, text, remedy));
  const rules: EdgeRules = {
    httpsPort: edge.https_port ?? defaultEdgeRules.httpsPort,
    tlsPolicy: tls.policy ?? defaultEdgeRules.tlsPolicy,
    http3: edge.http3 ?? defaultEdgeRules.http3,
    trustedProxies: [...new Set((edge.trusted_proxies ?? []).map(asRange))].sort(),
    proxyProtocol: edge.proxy_protocol ?? defaultEdgeRules.proxyProtocol,
    keepaliveMs: parseDurationMs(edge.keepalive_timeout ?? '') ?? defaultEdgeRules.keepaliveMs,
  };
  if (rules.httpsPort === httpPort) {
    const path = edge.https_port === undefined ? ['edge', 'http_port'] : ['edge', 'https_port'];
    report(path, 'plain HTTP and HTTPS cannot have one port', 'Give each its own.');
  }
  if (rules.proxyProtocol && rules.trustedProxies.length === 0) {
    const remedy =
      'Add trusted_proxies: with the addresses of the load balancer: anybody else could invent clients.';
    report(['edge', 'proxy_protocol'], 'nobody is trusted to say who the client is', remedy);
  }
  if (rules.proxyProtocol && rules.http3) {
    const remedy = 'Switch one of them off.';
    report(['edge', 'http3'], 'HTTP/3 comes over UDP, which PROXY protocol does not go with', remedy);
  }
  if (rules.keepaliveMs < leastKeepaliveMs) {
    const remedy =
      'Such as 65s, the default: with less, requests would be cut when the configuration changes.';
    report(['edge', 'keepalive_timeout'], 'it must be at least 5s', remedy);
  }
  return { rules, problems };
}

/** A single address as the range of it alone. */
const asRange = (text: string): string =>
  text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
