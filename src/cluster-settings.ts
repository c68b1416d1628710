import type { EdgeRules, MetricsRules } from './cluster.ts';

/** What a cluster has once for all its projects, by its key in seawall.yml. */
export interface ClusterSettings {
  readonly 'edge.image': string;
  readonly 'edge.http_port': number;
  readonly 'edge.https_port': number;
  readonly 'edge.http3': boolean;
  readonly 'edge.trusted_proxies': readonly string[];
  readonly 'edge.proxy_protocol': boolean;
  readonly 'edge.keepalive_timeout': number;
  readonly 'tls.policy': EdgeRules['tlsPolicy'];
  readonly metrics: MetricsRules | undefined;
}

export type ClusterSetting = keyof ClusterSettings;

/** Where each rule of the edges stands in seawall.yml. */
export const RULE_KEYS = {
  httpsPort: 'edge.https_port',
  tlsPolicy: 'tls.policy',
  http3: 'edge.http3',
  trustedProxies: 'edge.trusted_proxies',
  proxyProtocol: 'edge.proxy_protocol',
  keepaliveMs: 'edge.keepalive_timeout',
} as const satisfies Readonly<Record<keyof EdgeRules, ClusterSetting>>;

export const CLUSTER_SETTINGS: readonly ClusterSetting[] = [
  'edge.image',
  'edge.http_port',
  ...Object.values(RULE_KEYS),
  'metrics',
];
