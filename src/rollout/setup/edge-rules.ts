import { isDeepStrictEqual } from 'node:util';
import { type ClusterFile, defaultEdgeRules, type EdgeRules } from '../../cluster.ts';

/** The rules as they stand in a cluster file: the usual ones are left out, so that files of before HTTPS say the same. */
export const filedRules = (rules: EdgeRules): Pick<ClusterFile, 'edge'> =>
  isDeepStrictEqual(rules, defaultEdgeRules) ? {} : { edge: rules };

/** A cluster file with other rules of the edge. */
export function withRules({ edge: _before, ...file }: ClusterFile, rules: EdgeRules): ClusterFile {
  return { ...file, ...filedRules(rules) };
}

/** Keys of seawall.yml that the rules come from. */
const KEYS: Readonly<Record<keyof EdgeRules, string>> = {
  httpsPort: 'edge.https_port',
  tlsPolicy: 'tls.policy',
  http3: 'edge.http3',
  trustedProxies: 'edge.trusted_proxies',
  proxyProtocol: 'edge.proxy_protocol',
  keepaliveMs: 'edge.keepalive_timeout (ms)',
};

/** What differs of ports and rules of the edges, as reasons for a setup. */
export function ruleReasons(
  { edge = defaultEdgeRules, httpPort }: Pick<ClusterFile, 'edge' | 'httpPort'>,
  wanted: { readonly httpPort: number; readonly rules: EdgeRules },
): string[] {
  const show = (value: unknown): string =>
    Array.isArray(value) ? value.join(', ') || 'none' : String(value);
  const port = httpPort === wanted.httpPort ? [] : [`edge.http_port: ${httpPort} → ${wanted.httpPort}`];
  const keys = Object.keys(KEYS) as (keyof EdgeRules)[];
  const rules = keys
    .filter((key) => !isDeepStrictEqual(edge[key], wanted.rules[key]))
    .map((key) => `${KEYS[key]}: ${show(edge[key])} → ${show(wanted.rules[key])}`);
  return [...port, ...rules];
}
