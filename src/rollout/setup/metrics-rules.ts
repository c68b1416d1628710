import { isDeepStrictEqual } from 'node:util';
import type { ClusterFile, MetricsRules } from '../../cluster.ts';
import { setByOther } from './edge-rules.ts';

/** The rules as they stand in a cluster file. */
export const filedMetrics = (rules: MetricsRules | undefined): Pick<ClusterFile, 'metrics'> =>
  rules === undefined ? {} : { metrics: rules };

/** A cluster file with other rules of metrics. */
export function withMetrics(
  { metrics: _before, ...file }: ClusterFile,
  rules: MetricsRules | undefined,
): ClusterFile {
  return { ...file, ...filedMetrics(rules) };
}

/** What differs of who may read metrics and where, and who had set it, as reasons for a setup. */
export function metricsReasons(
  { metrics: filed, settledBy = {} }: Pick<ClusterFile, 'metrics' | 'settledBy'>,
  wanted: MetricsRules | undefined,
  project: string,
): string[] {
  const places = ({ listen = [] }: Partial<MetricsRules> = {}) =>
    listen
      .map(({ address, port }) => `${address.includes(':') ? `[${address}]` : address}:${port}`)
      .join(', ') || 'nowhere';
  const peers = ({ from = [] }: Partial<MetricsRules> = {}) => from.join(', ') || 'nobody';
  const reason = (key: string, before: string, after: string) =>
    before === after
      ? []
      : [`metrics.${key}: ${before}${setByOther(settledBy, 'metrics', project)} → ${after}`];
  if (isDeepStrictEqual(filed, wanted)) return [];
  return [...reason('listen', places(filed), places(wanted)), ...reason('from', peers(filed), peers(wanted))];
}
