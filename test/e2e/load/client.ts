import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { Http2Sessions } from './http2.ts';
import { type Kind, type LoadReport, Tally } from './report.ts';
import { patienceMs, send, type Target } from './request.ts';

export interface LoadOptions extends Target {
  /** Requests that become due per second, whatever became of the ones before. */
  readonly rate: number;
  /** The load ends by itself after this long. */
  readonly seconds: number;
  /** Kind → its part of the requests; need not add up to anything. */
  readonly mix: Readonly<Partial<Record<Kind, number>>>;
}

/** Kept connections that are used all the time, and those that rest 1 to 3 s between two requests. */
const busyConnections = 20;
const idleConnections = 12;
const slowConnections = 8;
const mostInFlight = 600;
const tickMs = 4;

/**
 * A connection that rested longer is closed, as clients' pools do: nginx may end one that has rested longer than its
 * `keepalive_min_timeout` at a reload, and no server can know that a request is on its way just then (RFC 9112, section 9.3.1).
 */
const mostRestMs = 3000;

/** One kept connection; `freeAtMs` is when it may be used again, `restsSinceMs` when its last answer was complete. */
interface Lane {
  readonly agent: Agent;
  isBusy: boolean;
  freeAtMs: number;
  restsSinceMs: number;
}

const keptOne = { keepAlive: true, maxSockets: 1, keepAliveMsecs: 60_000 };

const lanes = (count: number, isTls: boolean): Lane[] =>
  Array.from({ length: count }, () => ({
    agent: isTls ? new TlsAgent(keptOne) : new Agent(keptOne),
    isBusy: false,
    freeAtMs: 0,
    restsSinceMs: 0,
  }));

/** An open-loop client: requests become due at a fixed rate and none of them waits for another. */
export class LoadClient {
  readonly #options: LoadOptions;
  readonly #tally = new Tally();
  readonly #lanes: Readonly<Record<'busy' | 'idle' | 'slow', readonly Lane[]>>;
  readonly #http2 = new Http2Sessions();
  readonly #startMs = performance.now();
  readonly #startedAt = new Date().toISOString();
  readonly #sockets = new WeakSet<Socket>();
  readonly #counts = { due: 0, inFlight: 0, mostInFlight: 0, opened: 0, open: 0, mostOpen: 0, mostLagMs: 0 };
  readonly #ended = Promise.withResolvers<LoadReport>();
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    const isTls = options.trust !== undefined;
    this.#lanes = {
      busy: lanes(busyConnections, isTls),
      idle: lanes(idleConnections, isTls),
      slow: lanes(slowConnections, isTls),
    };
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Resolves with the figures when every request has its outcome. */
  get ended(): Promise<LoadReport> {
    return this.#ended.promise;
  }

  /** No new requests; those under way may end. */
  stop(): void {
    this.#isStopping = true;
    clearInterval(this.#timer);
    this.#finishIfDone();
  }

  /** The figures so far. */
  report(): LoadReport {
    const { opened, mostOpen, mostInFlight, mostLagMs } = this.#counts;
    const { sessions, sentAgain } = this.#http2;
    return this.#tally.report({
      startedAt: this.#startedAt,
      seconds: this.#now() / 1000,
      rate: this.#options.rate,
      connections: { opened, mostOpen },
      ...(sessions === 0 ? {} : { http2: { sessions, sentAgain } }),
      mostInFlight,
      mostLagMs: Math.round(mostLagMs),
    });
  }

  #now(): number {
    return performance.now() - this.#startMs;
  }

  #tick(): void {
    const now = this.#now();
    const { rate, seconds } = this.#options;
    const stepMs = 1000 / rate;
    // What was due before the end is sent even if the last tick comes late.
    while (this.#counts.due * stepMs <= now && this.#counts.due < seconds * rate) {
      const dueMs = this.#counts.due * stepMs;
      this.#counts.due += 1;
      this.#counts.mostLagMs = Math.max(this.#counts.mostLagMs, now - dueMs);
      void this.#request(pickKind(this.#options.mix), dueMs);
    }
    if (now >= seconds * 1000) this.stop();
  }

  async #request(kind: Kind, dueMs: number): Promise<void> {
    const counts = this.#counts;
    counts.inFlight += 1;
    counts.mostInFlight = Math.max(counts.mostInFlight, counts.inFlight);
    const used = kind === 'h2' ? undefined : this.#lane(kind);
    const connection = kind === 'h2' ? this.#http2 : (used?.agent ?? false);
    const restedMs = this.#now() - (used?.restsSinceMs ?? 0);
    if (restedMs > mostRestMs) used?.agent.destroy();
    const answer =
      counts.inFlight > mostInFlight
        ? {
            versions: [],
            reused: false,
            wrong: { reason: 'not sent', detail: `${mostInFlight} requests are under way` },
          }
        : await send(this.#options, kind, connection, dueMs + patienceMs - this.#now(), (socket) =>
            this.#count(socket),
          );
    if (used !== undefined) release(used, this.#now(), kind === 'idle' ? 1000 + Math.random() * 2000 : 0);
    const latencyMs = this.#now() - dueMs;
    const { wrong, reused, ...seen } = answer;
    const rested = reused ? { restedMs: Math.round(restedMs) } : {};
    const failure = wrong && { atMs: Math.round(dueMs), kind, ...wrong, ...rested, afterMs: latencyMs };
    this.#tally.add({
      kind,
      atMs: Math.round(dueMs),
      latencyMs,
      ...seen,
      ...(failure === undefined ? {} : { failure }),
    });
    counts.inFlight -= 1;
    this.#finishIfDone();
  }

  /** A kept connection that is free, or none: then the request opens one of its own. */
  #lane(kind: Kind): Lane | undefined {
    const { busy, idle, slow } = this.#lanes;
    const isFresh = kind !== 'idle' && Math.random() < 0.25;
    if (isFresh) return undefined;
    const lanes = kind === 'idle' ? idle : kind === 'slow' ? slow : busy;
    const now = this.#now();
    const free = lanes
      .filter(({ isBusy, freeAtMs }) => !isBusy && freeAtMs <= now)
      // As pools of connections do; the longest free would rest ever longer as the rate falls.
      .sort((a, b) => b.freeAtMs - a.freeAtMs)[0];
    if (free !== undefined) free.isBusy = true;
    return free;
  }

  #count(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    const counts = this.#counts;
    counts.opened += 1;
    counts.open += 1;
    counts.mostOpen = Math.max(counts.mostOpen, counts.open);
    socket.once('close', () => {
      counts.open -= 1;
    });
  }

  #finishIfDone(): void {
    if (!this.#isStopping || this.#counts.inFlight > 0) return;
    for (const { agent } of Object.values(this.#lanes).flat()) agent.destroy();
    this.#http2.close();
    this.#ended.resolve(this.report());
  }
}

function release(used: Lane, nowMs: number, pauseMs: number): void {
  used.isBusy = false;
  used.restsSinceMs = nowMs;
  used.freeAtMs = nowMs + pauseMs;
}

function pickKind(mix: LoadOptions['mix']): Kind {
  const parts = Object.entries(mix) as [Kind, number][];
  let left = Math.random() * parts.reduce((sum, [, part]) => sum + part, 0);
  for (const [kind, part] of parts) {
    left -= part;
    if (left < 0) return kind;
  }
  return 'get';
}
