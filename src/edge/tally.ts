import type { RolloutRecord, TrafficRecord } from '../catalog/record.ts';
import { histogramBound } from '../histogram.ts';

/** The part of an access log line that counts. */
export interface LogEntry {
  readonly project: string;
  readonly service: string;
  readonly host: string;
  readonly status: number;
  readonly durationMs: number;
  /** A WebSocket or event stream: its duration says nothing of how fast it was answered. */
  readonly isStream: boolean;
}

export type Tally = Pick<TrafficRecord, 'requests' | 'failed' | 'away' | 'histogram'>;

export const emptyTally: Tally = { requests: 0, failed: 0, away: 0, histogram: {} };

/** Reads a line that `renderNginx`'s log format wrote; undefined for anything else. */
export function parseLogLine(line: string): LogEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { project, service, host, status, request_time, stream } = value as Record<string, unknown>;
  if (typeof project !== 'string' || typeof host !== 'string') return undefined;
  return {
    project,
    service: typeof service === 'string' ? service : '',
    host,
    status: Number(status),
    durationMs: Math.round(Number(request_time) * 1000),
    isStream: stream === '1',
  };
}

/** Is it the rollout's project's? A request that ended before its route was known is told by its domain. */
export const isCounted = (entry: LogEntry, { project, domains }: RolloutRecord): boolean =>
  entry.project === '' ? domains.includes(entry.host) : entry.project === project;

/** Adds lines that count. @param away services announced away now or a moment ago. */
export function tallied(tally: Tally, entries: readonly LogEntry[], away: ReadonlySet<string>): Tally {
  const histogram: Record<string, number> = { ...tally.histogram };
  let { requests, failed } = tally;
  let awayCount = tally.away;
  for (const entry of entries) {
    requests += 1;
    // nginx writes 000 when it closed without an answer. 499 is the client's own doing.
    if (!(entry.status > 0) || entry.status >= 500) {
      failed += 1;
      if (away.has(entry.service)) awayCount += 1;
    }
    if (entry.isStream || !Number.isFinite(entry.durationMs)) continue;
    const bound = histogramBound(entry.durationMs);
    histogram[bound] = (histogram[bound] ?? 0) + 1;
  }
  return { requests, failed, away: awayCount, histogram };
}
