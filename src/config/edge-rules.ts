import { defaultEdgeRules, type EdgeRules } from '../cluster.ts';
import type { ClusterSetting } from '../cluster-settings.ts';
import { type Node, placeAt } from '../compose/index.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { parseDurationMs } from '../units.ts';
import type { ConfigInput } from './schema.ts';
import { writtenSettings } from './written-settings.ts';

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
  for (const { between, text, remedy } of impossibleRules(rules, httpPort)) {
    const written = writtenSettings({ edge });
    report((between.find((key) => written.includes(key)) ?? 'edge').split('.'), text, remedy);
  }
  if (rules.keepaliveMs < leastKeepaliveMs) {
    const remedy =
      'Such as 65s, the default: with less, requests would be cut when the configuration changes.';
    report(['edge', 'keepalive_timeout'], 'it must be at least 5s', remedy);
  }
  return { rules, problems };
}

/** What is impossible of rules together, each of which may be. */
export interface ImpossibleRules {
  /** The first one that is written is where to tell of it. */
  readonly between: readonly ClusterSetting[];
  readonly text: string;
  readonly remedy: string;
}

export function impossibleRules(rules: EdgeRules, httpPort: number): readonly ImpossibleRules[] {
  const found: ImpossibleRules[] = [];
  if (rules.httpsPort === httpPort)
    found.push({
      between: ['edge.https_port', 'edge.http_port'],
      text: 'plain HTTP and HTTPS cannot have one port',
      remedy: 'Give each its own.',
    });
  if (rules.proxyProtocol && rules.trustedProxies.length === 0)
    found.push({
      between: ['edge.proxy_protocol', 'edge.trusted_proxies'],
      text: 'nobody is trusted to say who the client is',
      remedy:
        'Add trusted_proxies: with the addresses of the load balancer: anybody else could invent clients.',
    });
  if (rules.proxyProtocol && rules.http3)
    found.push({
      between: ['edge.http3', 'edge.proxy_protocol'],
      text: 'HTTP/3 comes over UDP, which PROXY protocol does not go with',
      remedy: 'Switch one of them off.',
    });
  return found;
}

/** A single address as the range of it alone. */
const asRange = (text: string): string =>
  text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
