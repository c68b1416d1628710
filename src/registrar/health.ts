import type { Instance } from '../catalog/record.ts';
import type { ContainerInfo } from '../hosts/index.ts';

export type Status = Instance['status'];

/** How the registrar finds out whether what a container serves is well. Durations in ms. */
export type Check =
  /** The container's HEALTHCHECK. `argv` is run by the registrar until the first success. */
  | { readonly kind: 'docker'; readonly argv: readonly string[]; readonly timeoutMs: number }
  | {
      readonly kind: 'http';
      /** Empty while the container has none. */
      readonly address: string;
      readonly port: number;
      readonly path: string;
      /** `consul`: 2xx is well, 429 a warning, as Consul's HTTP checks have it. */
      readonly accept: 'below-500' | 'consul';
      /** Good answers in a row before it counts as well. */
      readonly inARow: number;
      readonly intervalMs: number;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: 'tcp';
      readonly address: string;
      readonly port: number;
      readonly intervalMs: number;
      readonly timeoutMs: number;
    }
  /** Well once it has run for `monitorMs` since its last start. */
  | { readonly kind: 'running'; readonly monitorMs: number };

/** What one probe, one run of the health command or the end of the watch told. */
export interface Finding {
  readonly status: Status;
  readonly text: string;
  /** Milliseconds the probe took. */
  readonly tookMs: number;
}

/** What is known of one check of one container since the container's last start. */
export interface Health {
  /** Docker's time of that start. */
  readonly startedAt: string;
  /** When the watch of this start began, epoch ms. */
  readonly sinceMs: number;
  readonly status: Status;
  readonly output: string;
  /** Good and bad findings in a row. */
  readonly good: number;
  readonly bad: number;
  /** Epoch ms of the next probe; absent: none is needed. */
  readonly dueMs?: number;
  /** How the start before this one ended, when Docker restarted it. */
  readonly ended?: string;
}

/** Defaults of {@link Check}; `interval` and `inARow` as the issue fixes them, timeouts by judgement. */
export const CHECK_DEFAULT = { intervalMs: 5000, timeoutMs: 5000, monitorMs: 5000, httpInARow: 3 } as const;

/** Failures in a row before something that was well counts as broken. */
const failuresBeforeCritical = 3;
const startingIntervalMs = 1000;
/** A replica that is still not well after this long is asked at its ordinary interval. */
const startingForMs = 5 * 60_000;
/** Pause after the first failure of what has not been well yet; it doubles up to {@link startingIntervalMs}. */
const firstPauseMs = { docker: 250, http: 25, tcp: 25 } as const;
/** Pause after a good answer that needs others in a row. */
const nextGoodMs = 250;
/** Rest between two probes that take longer than their interval. */
const shortestRestMs = 100;

/** Two checks of a container with the same key are one. The address may change while the container runs. */
export function checkKey(check: Check): string {
  switch (check.kind) {
    case 'http':
      return `http ${check.port} ${check.accept} ${check.path}`;
    case 'tcp':
      return `tcp ${check.port}`;
    default:
      return check.kind;
  }
}

/**
 * Starts the watch of a container's start. `before` is what the catalog holds of the same start: a registrar that was
 * itself restarted goes on from there, so that its absence is not seen in the traffic.
 */
export function beginHealth(
  check: Check,
  container: ContainerInfo,
  nowMs: number,
  before?: { readonly status: Status; readonly output: string },
): Health {
  const startedAt = container.State.StartedAt;
  const known = before ?? { status: 'critical', output: 'starting' };
  const dueMs = check.kind === 'running' ? Math.max(nowMs, Date.parse(startedAt) + check.monitorMs) : nowMs;
  const health: Health = { startedAt, sinceMs: nowMs, ...known, good: 0, bad: 0, dueMs };
  return afterInspect(check, health, container, nowMs);
}

/** Takes in what Docker says now: another start begins anew, and Docker's own verdict on a HEALTHCHECK counts. */
export function afterInspect(check: Check, health: Health, container: ContainerInfo, nowMs: number): Health {
  if (container.State.StartedAt !== health.startedAt) {
    const again = health.ended === undefined ? 'starting' : `starting again, ${health.ended} before`;
    return beginHealth(check, container, nowMs, { status: 'critical', output: again });
  }
  if (container.State.Status === 'restarting') return { ...health, ended: exitText(container) };
  if (check.kind !== 'docker') return health;
  const { dueMs, ...rest } = health;
  const verdict = container.State.Health;
  const output = oneLine(verdict?.Log?.at(-1)?.Output ?? '');
  if (verdict?.Status === 'healthy') return { ...rest, status: 'passing', output: output || 'healthy' };
  if (verdict?.Status === 'unhealthy') return { ...rest, status: 'critical', output: output || 'unhealthy' };
  if (health.status === 'passing') return rest;
  return { ...rest, dueMs: dueMs ?? nowMs };
}

/** Takes in a finding and says when to look again. */
export function afterProbe(check: Check, health: Health, finding: Finding, nowMs: number): Health {
  const isBad = finding.status === 'critical';
  const counted = {
    ...health,
    good: isBad ? 0 : health.good + 1,
    bad: isBad ? health.bad + 1 : 0,
  };
  const { dueMs: _, ...judged } = { ...counted, ...judge(check, counted, finding) };
  if (check.kind === 'running' || (check.kind === 'docker' && judged.status === 'passing')) return judged;
  const pauseMs = delayMs(check, judged, nowMs);
  const restMs = Math.max(Math.min(shortestRestMs, pauseMs), pauseMs - finding.tookMs);
  return { ...judged, dueMs: nowMs + restMs };
}

function judge(check: Check, health: Health, finding: Finding): Pick<Health, 'status' | 'output'> {
  const output = oneLine(finding.text);
  const needed = check.kind === 'http' ? check.inARow : 1;
  const wasWell = health.status !== 'critical';
  if (health.bad > 0) {
    return wasWell && health.bad < failuresBeforeCritical ? health : { status: 'critical', output };
  }
  if (wasWell || health.good >= needed) return { status: finding.status, output };
  return { status: 'critical', output: `${output} (${health.good} of ${needed} in a row)` };
}

function delayMs(check: Check, health: Health, nowMs: number): number {
  const intervalMs = 'intervalMs' in check ? check.intervalMs : CHECK_DEFAULT.intervalMs;
  if (health.status !== 'critical')
    return health.bad > 0 ? Math.min(startingIntervalMs, intervalMs) : intervalMs;
  if (nowMs - health.sinceMs > startingForMs) return intervalMs;
  if (check.kind === 'running') return startingIntervalMs;
  if (health.bad === 0) return Math.min(nextGoodMs, intervalMs);
  return Math.min(startingIntervalMs, firstPauseMs[check.kind] * 2 ** (health.bad - 1));
}

/**
 * What the catalog is to say: nothing of a container that does not run, and of one that is paused or between
 * two starts that it is not well, whatever its probes found before.
 */
export function verdictOf(
  health: Health,
  container: ContainerInfo,
): Pick<Health, 'status' | 'output'> | undefined {
  switch (container.State.Status) {
    case 'running':
      return { status: health.status, output: health.output };
    case 'paused':
      return { status: 'critical', output: 'paused' };
    case 'restarting':
      return { status: 'critical', output: `restarting: ${exitText(container)}` };
    default:
      return undefined;
  }
}

const exitText = ({ State }: ContainerInfo): string =>
  `exited with ${State.ExitCode}${State.OOMKilled ? ', out of memory' : ''}`;

const longestOutput = 400;

/** Text of an app as one printable line, so that it can stand in a log or on a terminal. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{C}\uFFFD]+/gu, '·')
    .trim()
    .slice(0, longestOutput);
}
