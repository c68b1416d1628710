import type { TrafficRecord } from '../catalog/record.ts';
import { mergeHistograms, percentile } from '../histogram.ts';
import type { DrainLog } from './context.ts';
import type { TrafficSummary } from './result.ts';

/** Adds up the edges' counts. */
export function summarise(
  records: readonly TrafficRecord[],
  missing: readonly string[],
  drains: DrainLog,
): TrafficSummary {
  const sum = (of: (record: TrafficRecord) => number): number =>
    records.reduce((total, record) => total + of(record), 0);
  return {
    requests: sum((record) => record.requests),
    failed: sum((record) => record.failed),
    away: sum((record) => record.away),
    p99Ms: percentile(mergeHistograms(records.map((record) => record.histogram)), 0.99),
    drainedReplicas: drains.replicas,
    longestDrainMs: Math.round(drains.longestMs),
    socketsCut: drains.socketsCut,
    missing,
  };
}
