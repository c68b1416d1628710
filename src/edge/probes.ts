import { describeProbe, probeHttp, probeTcp, probeTls } from '../hosts/index.ts';
import { afterProbe, type ProbeHistory, unprobed } from './admission.ts';
import type { Candidate, Candidates } from './candidates.ts';
import { pause } from './pause.ts';

export interface ProbesOptions {
  /** A history changed in a way that may change who is admitted. */
  readonly onChange: () => void;
  readonly signal: AbortSignal;
  /** Addresses that had requests before this process started: let in until they fail. */
  readonly admitted?: readonly string[];
  readonly random?: () => number;
}

interface Watched {
  candidate: Candidate;
  readonly end: AbortController;
}

const startingEveryMs = 1_000;
/** Pause after a good answer of an address that needs others in a row, as the registrar has it. */
const nextGoodMs = 250;
/** Pause after the first failure of an address that had no requests yet; it doubles: many programs listen within a moment. */
const firstFailureMs = 25;
const admittedEveryMs = 2_000;
/** Soon again after a failure: requests that a lost host had taken wait for this. */
const failingEveryMs = 300;
const startingTimeoutMs = 2_000;
/** Longer than it takes Linux to send a lost SYN again (1 s, RFC 6298). */
const admittedTimeoutMs = 1_200;

/** Looks at every candidate's address again and again, from where the requests will come. */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #histories = new Map<string, ProbeHistory>();
  readonly #watched = new Map<string, Watched>();
  #localAddress: string | undefined;

  constructor(options: ProbesOptions) {
    this.#options = options;
    for (const address of options.admitted ?? [])
      this.#histories.set(address, { good: 1, bad: 0, isAdmitted: true });
  }

  get histories(): ReadonlyMap<string, ProbeHistory> {
    return this.#histories;
  }

  /**
   * Replaces what is looked at. An address that leaves is forgotten: when it comes back, it may be another replica.
   * @param localAddress source address, so that a probe takes the way that requests take.
   */
  setCandidates(candidates: Candidates, localAddress: string | undefined): void {
    this.#localAddress = localAddress;
    const wanted = new Map(
      [...candidates.values()].flat().map((candidate) => [candidate.address, candidate]),
    );
    for (const [address, watched] of this.#watched) {
      if (wanted.has(address)) continue;
      watched.end.abort();
      this.#watched.delete(address);
    }
    for (const address of this.#histories.keys()) if (!wanted.has(address)) this.#histories.delete(address);
    for (const [address, candidate] of wanted) {
      const watched = this.#watched.get(address);
      if (watched !== undefined) watched.candidate = candidate;
      else void this.#watch(address, candidate);
    }
  }

  async #watch(address: string, candidate: Candidate): Promise<void> {
    const watched: Watched = { candidate, end: new AbortController() };
    this.#watched.set(address, watched);
    const signal = AbortSignal.any([this.#options.signal, watched.end.signal]);
    const { random = Math.random, onChange } = this.#options;
    while (!signal.aborted) {
      const before = this.#histories.get(address) ?? unprobed;
      const kind = before.isAdmitted ? 'tcp' : watched.candidate.probe.kind;
      const result = await this.#probe(watched.candidate, kind, before.isAdmitted, signal);
      if (signal.aborted) return;
      const outcome = result.ok
        ? { ok: true }
        : { ok: false, problem: describeProbe(result), isSilent: result.isSilent === true };
      const after = afterProbe(before, kind, outcome);
      this.#histories.set(address, after);
      if (after.isAdmitted !== before.isAdmitted || after.bad !== before.bad) onChange();
      const everyMs = intervalMs(after);
      await pause(everyMs * (0.9 + random() / 5), signal);
    }
  }

  #probe(candidate: Candidate, kind: 'http' | 'tls' | 'tcp', isAdmitted: boolean, signal: AbortSignal) {
    const localAddress = this.#localAddress;
    const colon = candidate.address.lastIndexOf(':');
    const place = {
      address: candidate.address.slice(0, colon),
      timeoutMs: isAdmitted ? admittedTimeoutMs : startingTimeoutMs,
      signal,
      ...(localAddress === undefined ? {} : { localAddress }),
    };
    const { probe } = candidate;
    if (kind === 'http' && probe.kind === 'http')
      return probeHttp({ ...place, port: probe.port, path: probe.path, host: probe.host });
    const port = Number(candidate.address.slice(colon + 1));
    if (kind === 'tls' && probe.kind === 'tls') return probeTls({ ...place, port, ...probe });
    return probeTcp({ ...place, port });
  }
}

function intervalMs({ isAdmitted, bad }: ProbeHistory): number {
  if (!isAdmitted) return bad === 0 ? nextGoodMs : Math.min(startingEveryMs, firstFailureMs * 2 ** (bad - 1));
  if (bad === 0) return admittedEveryMs;
  return bad === 1 ? failingEveryMs : startingEveryMs;
}
