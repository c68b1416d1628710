/** What kinds of requests there are: plain, after a pause of the connection, with a body, slow, through to `api`, over HTTP/2. */
export const KINDS = ['get', 'idle', 'post', 'slow', 'api', 'h2'] as const;
export type Kind = (typeof KINDS)[number];

/** One request that did not go as a user may expect. */
export interface Failure {
  /** Milliseconds since the load's start at which it was due. */
  readonly atMs: number;
  readonly kind: Kind;
  /** `refused`, `reset`, `timeout`, `status 502`, `body`, `version`, … */
  readonly reason: string;
  readonly detail: string;
  /** How long its connection had rested since the request before; absent: it was a fresh one. */
  readonly restedMs?: number;
  readonly afterMs: number;
}

export interface Outcome {
  readonly kind: Kind;
  readonly atMs: number;
  /** From when it was due to the last byte of the answer. */
  readonly latencyMs: number;
  readonly versions: readonly string[];
  readonly instance?: string;
  readonly failure?: Failure;
}

export interface KindFigures {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Figures of one load; latencies count from when a request was due, so a stall is seen by all that wait behind it. */
export interface LoadReport extends KindFigures {
  /** ISO time. */
  readonly startedAt: string;
  readonly seconds: number;
  /** Requests due per second. */
  readonly rate: number;
  readonly kinds: Readonly<Partial<Record<Kind, KindFigures>>>;
  readonly connections: { readonly opened: number; readonly mostOpen: number };
  /** Connections of HTTP/2 opened, and requests that the server refused untouched as it closed one (RFC 9113 section 8.7). */
  readonly http2?: { readonly sessions: number; readonly sentAgain: number };
  readonly mostInFlight: number;
  /** The longest that the load client itself was late: failures and latencies of that size are its own. */
  readonly mostLagMs: number;
  /** Version → answers, and when since the start it was first and last seen. */
  readonly versions: Readonly<
    Record<string, { readonly requests: number; readonly firstMs: number; readonly lastMs: number }>
  >;
  readonly instances: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  /** The first 20. */
  readonly failures: readonly Failure[];
}

const failuresKept = 20;

/** Adds up outcomes. */
export class Tally {
  readonly #latencies = new Map<Kind, number[]>();
  readonly #failed = new Map<Kind, number>();
  readonly #versions = new Map<string, { requests: number; firstMs: number; lastMs: number }>();
  readonly #instances = new Map<string, number>();
  readonly #reasons = new Map<string, number>();
  readonly #failures: Failure[] = [];

  add({ kind, atMs, latencyMs, versions, instance, failure }: Outcome): void {
    const latencies = this.#latencies.get(kind) ?? [];
    this.#latencies.set(kind, latencies);
    latencies.push(latencyMs);
    for (const version of versions) {
      const seen = this.#versions.get(version) ?? { requests: 0, firstMs: atMs, lastMs: atMs };
      seen.requests += 1;
      seen.lastMs = Math.max(seen.lastMs, atMs);
      this.#versions.set(version, seen);
    }
    if (instance !== undefined) this.#instances.set(instance, (this.#instances.get(instance) ?? 0) + 1);
    if (failure === undefined) return;
    this.#failed.set(kind, (this.#failed.get(kind) ?? 0) + 1);
    this.#reasons.set(failure.reason, (this.#reasons.get(failure.reason) ?? 0) + 1);
    if (this.#failures.length < failuresKept) this.#failures.push(failure);
  }

  report(
    about: Pick<
      LoadReport,
      'startedAt' | 'seconds' | 'rate' | 'connections' | 'http2' | 'mostInFlight' | 'mostLagMs'
    >,
  ): LoadReport {
    const failed = [...this.#failed.values()].reduce((sum, count) => sum + count, 0);
    return {
      ...about,
      ...figures([...this.#latencies.values()].flat(), failed),
      kinds: Object.fromEntries(
        [...this.#latencies].map(([kind, all]) => [kind, figures(all, this.#failed.get(kind) ?? 0)]),
      ),
      versions: Object.fromEntries([...this.#versions].sort()),
      instances: Object.fromEntries([...this.#instances].sort()),
      reasons: Object.fromEntries([...this.#reasons].sort()),
      failures: this.#failures,
    };
  }
}

function figures(latencies: readonly number[], failed: number): KindFigures {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { requests: sorted.length, failed, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** A report for people. */
export function reportText(report: LoadReport): string {
  const line = ({ requests, failed, p50Ms, p99Ms, maxMs }: KindFigures) =>
    `${String(requests).padStart(7)} requests, ${failed} failed, p50 ${p50Ms} ms, p99 ${p99Ms} ms, slowest ${maxMs} ms`;
  const { connections, http2, mostInFlight, mostLagMs } = report;
  return [
    `total ${line(report)} in ${report.seconds.toFixed(1)} s`,
    ...Object.entries(report.kinds).map(([kind, all]) => `${kind.padEnd(5)} ${line(all)}`),
    `connections: ${connections.opened} opened, at most ${connections.mostOpen} at a time; at most ${mostInFlight} requests under way; client late by at most ${mostLagMs} ms`,
    ...(http2 === undefined
      ? []
      : [
          `HTTP/2: ${http2.sessions} connections, ${http2.sentAgain} requests refused untouched and sent again`,
        ]),
    ...Object.entries(report.versions).map(
      ([version, { requests, firstMs, lastMs }]) =>
        `version ${version}: ${requests} answers, ${(firstMs / 1000).toFixed(1)} s to ${(lastMs / 1000).toFixed(1)} s`,
    ),
    `instances: ${Object.keys(report.instances).length}`,
    ...Object.entries(report.reasons).map(([reason, count]) => `failed by ${reason}: ${count}`),
    ...report.failures.map(
      ({ atMs, kind, reason, detail, restedMs, afterMs }) =>
        `  ${(atMs / 1000).toFixed(3)} s ${kind} ${reason} after ${Math.round(afterMs)} ms on a ${restedMs === undefined ? 'fresh connection' : `connection that had rested ${restedMs} ms`}: ${detail}`,
    ),
  ].join('\n');
}
