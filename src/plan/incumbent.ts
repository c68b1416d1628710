import type { ActualReplica } from './actual.ts';
import { isAlive, isServing } from './replicas.ts';

/** What becomes of the containers that are the same replica of a service: there may be several after a deploy was cut short. */
export interface Incumbent {
  /** It is what is desired and stays. */
  readonly good?: ActualReplica;
  /** Absent with `good`: the one that goes when its successor serves. */
  readonly old?: ActualReplica;
}

/** Chooses among containers with one replica number: what is right stays, else what serves is the one to replace. */
export function chooseIncumbent(
  same: readonly ActualReplica[],
  host: string,
  isCurrent: (replica: ActualReplica) => boolean,
): Incumbent {
  const ranked = same.toSorted((a, b) => rank(b, host) - rank(a, host) || (a.name < b.name ? -1 : 1));
  const good = ranked.find(isCurrent);
  if (good) return { good };
  const [old] = ranked;
  return old === undefined ? {} : { old };
}

/** The one that serves first; of those that do not run, one that ran before one that never was started. */
function rank(replica: ActualReplica, host: string): number {
  const life = isServing(replica)
    ? 8
    : isAlive(replica) && replica.isHealthy
      ? 6
      : isAlive(replica)
        ? 4
        : replica.state === 'created'
          ? 0
          : 2;
  return life + (replica.host === host ? 1 : 0);
}
