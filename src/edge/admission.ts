import type { Candidates } from './candidates.ts';

/** What probing has shown of one address. */
export interface ProbeHistory {
  /** Successes in a row, failures in a row: one of them is 0. */
  readonly good: number;
  readonly bad: number;
  /** Has been let in; from then on only connections count. */
  readonly isAdmitted: boolean;
  /** The last failure, for people. */
  readonly problem?: string;
  /** Probes in a row to which nothing at all came back; absent: 0. */
  readonly silent?: number;
}

/** HTTP answers in a row before the first request (the rule: "status below 500, three in a row"). */
const httpSuccesses = 3;
/** Failed connections in a row that take an admitted address out. */
const failuresOut = 2;

export const unprobed: ProbeHistory = { good: 0, bad: 0, isAdmitted: false };

/** The history after one more probe. */
export function afterProbe(
  history: ProbeHistory,
  kind: 'http' | 'tls' | 'tcp',
  outcome: { readonly ok: boolean; readonly problem?: string; readonly isSilent?: boolean },
): ProbeHistory {
  if (!outcome.ok) {
    const problem = outcome.problem === undefined ? {} : { problem: outcome.problem };
    const silent = outcome.isSilent === true ? { silent: (history.silent ?? 0) + 1 } : {};
    return { good: 0, bad: history.bad + 1, isAdmitted: history.isAdmitted, ...problem, ...silent };
  }
  const good = history.good + 1;
  return { good, bad: 0, isAdmitted: history.isAdmitted || kind !== 'http' || good >= httpSuccesses };
}

export interface Admission {
  /** Upstream name → addresses that get new requests. */
  readonly inForce: ReadonlyMap<string, readonly string[]>;
  /** Ready addresses that are not in force → why. */
  readonly problems: Readonly<Record<string, string>>;
}

/**
 * Who gets requests: ready candidates that were admitted and still accept connections. When every admitted one of an upstream
 * fails to accept, all of them stay: it may be this edge that is cut off, and an error is no worse than a 503.
 */
export function admit(candidates: Candidates, histories: ReadonlyMap<string, ProbeHistory>): Admission {
  const inForce = new Map<string, readonly string[]>();
  const problems: Record<string, string> = {};
  for (const [name, list] of candidates) {
    const ready = list.filter((candidate) => candidate.isReady).map((candidate) => candidate.address);
    const admitted = ready.filter((address) => histories.get(address)?.isAdmitted === true);
    const accepting = admitted.filter((address) => (histories.get(address)?.bad ?? 0) < failuresOut);
    const chosen = accepting.length > 0 ? accepting : admitted;
    inForce.set(name, chosen);
    for (const address of ready) {
      if (!chosen.includes(address))
        problems[address] = histories.get(address)?.problem ?? 'not probed enough yet';
    }
  }
  return { inForce, problems };
}
