import { isDeepStrictEqual } from 'node:util';
import { type ClusterFile, defaultEdgeRules } from '../cluster.ts';
import { CLUSTER_SETTINGS, type ClusterSetting, type ClusterSettings } from '../cluster-settings.ts';
import { type Config, impossibleRules } from '../config/index.ts';
import { SeawallError } from '../errors.ts';

type Settled = Pick<Config, 'edge' | 'metrics'>;

/**
 * The configuration as it holds in a cluster that other projects share. What a seawall.yml leaves out stays as another project set
 * it; what the project itself set and leaves out now is the default again. Of two that write different values the last one counts.
 *
 * @param file the cluster's; absent: there is none yet.
 * @throws SeawallError `input` when what other projects set does not go with what this one does.
 */
export function inCluster(config: Config, file: ClusterFile | undefined, project: string): Config {
  const setBy = file?.settledBy ?? {};
  const isOthers = (key: ClusterSetting): boolean => setBy[key] !== undefined && setBy[key] !== project;
  const own = settingsOf(config);
  const before = file === undefined ? own : settingsOf(filed(file, config));
  const kept = CLUSTER_SETTINGS.filter((key) => !config.written.includes(key) && isOthers(key));
  const merged = Object.fromEntries(
    CLUSTER_SETTINGS.map((key) => [key, kept.includes(key) ? before[key] : own[key]]),
  ) as unknown as ClusterSettings;
  const settledBy = Object.fromEntries(
    CLUSTER_SETTINGS.flatMap((key) => {
      // Two that want the same: whoever said so first.
      const isSame = isOthers(key) && isDeepStrictEqual(merged[key], before[key]);
      if (kept.includes(key) || (config.written.includes(key) && isSame)) return [[key, setBy[key] ?? '']];
      return config.written.includes(key) ? [[key, project]] : [];
    }),
  );
  const { metrics: _written, ...rest } = config;
  const settled: Config = { ...rest, ...ofSettings(merged), settledBy };
  refuseImpossible(settled, kept, setBy);
  return settled;
}

/** What the cluster has. An image stands in its file only when a project asked for one. */
function filed({ httpPort, edge, edgeImage, metrics }: ClusterFile, config: Config): Settled {
  return {
    edge: { image: edgeImage ?? config.edge.image, httpPort, rules: edge ?? defaultEdgeRules },
    ...(metrics === undefined ? {} : { metrics }),
  };
}

function settingsOf({ edge: { image, httpPort, rules }, metrics }: Settled): ClusterSettings {
  return {
    'edge.image': image,
    'edge.http_port': httpPort,
    'edge.https_port': rules.httpsPort,
    'edge.http3': rules.http3,
    'edge.trusted_proxies': rules.trustedProxies,
    'edge.proxy_protocol': rules.proxyProtocol,
    'edge.keepalive_timeout': rules.keepaliveMs,
    'tls.policy': rules.tlsPolicy,
    metrics,
  };
}

function ofSettings(settings: ClusterSettings): Settled {
  const { metrics } = settings;
  return {
    edge: {
      image: settings['edge.image'],
      httpPort: settings['edge.http_port'],
      rules: {
        httpsPort: settings['edge.https_port'],
        tlsPolicy: settings['tls.policy'],
        http3: settings['edge.http3'],
        trustedProxies: settings['edge.trusted_proxies'],
        proxyProtocol: settings['edge.proxy_protocol'],
        keepaliveMs: settings['edge.keepalive_timeout'],
      },
    },
    ...(metrics === undefined ? {} : { metrics }),
  };
}

/** Each file was possible by itself. */
function refuseImpossible(
  { edge: { httpPort, rules } }: Settled,
  kept: readonly ClusterSetting[],
  setBy: Readonly<Record<string, string>>,
): void {
  const [first] = impossibleRules(rules, httpPort);
  if (first === undefined) return;
  const others = kept
    .filter((key) => first.between.includes(key))
    .map((key) => `${key} is as project ${setBy[key]} set it`);
  throw new SeawallError('input', `${first.text} (${others.join(', ')})`, {
    where: first.between.find((key) => !kept.includes(key)) ?? 'edge',
    hint: first.remedy,
  });
}
