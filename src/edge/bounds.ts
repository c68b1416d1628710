import { type GenerationBook, oldWorkers } from './lingering.ts';
import { plainConnections, type Worker } from './workers.ts';

/** How many old workers may live, and how much memory of their own they may have together. */
interface Room {
  readonly workers: number;
  readonly bytes: number;
}

export interface OldWorkerLimits {
  /** Of generations that live on for their upgraded connections alone. */
  readonly upgradedOnly: Room;
  readonly all: Room;
}

const MIB = 2 ** 20;
/**
 * 50 changes of routes with a WebSocket opened between each two leave 100 old workers of 2 to 4 MiB on two cores, which is
 * meant to pass. Far below the edge container's limit of processes.
 */
const oldWorkerLimits: OldWorkerLimits = {
  upgradedOnly: { workers: 256, bytes: 512 * MIB },
  all: { workers: 1024, bytes: 1024 * MIB },
};

/** Old workers that are too many: those of the oldest generations above the limits. Their connections will be cut. */
export function workersToEnd(
  workers: readonly Worker[],
  book: GenerationBook,
  current: number,
  limits: OldWorkerLimits = oldWorkerLimits,
): readonly Worker[] {
  // A worker of before this agent's memory is older than everything it knows.
  const generations = Map.groupBy(
    oldWorkers(workers, book, current),
    (worker) => book.workers[worker.id] ?? 0,
  );
  const newestFirst = [...generations].toSorted(([a], [b]) => b - a).map(([, members]) => members);
  const upgradedOnly = newestFirst.filter((members) =>
    members.every((worker) => worker.isShuttingDown && plainConnections(worker) === 0),
  );
  return [
    ...new Set([...beyond(newestFirst, limits.all), ...beyond(upgradedOnly, limits.upgradedOnly)].flat()),
  ];
}

/** Generations that find no room after the newer ones. */
function beyond(newestFirst: readonly (readonly Worker[])[], room: Room): readonly (readonly Worker[])[] {
  let workers = 0;
  let bytes = 0;
  return newestFirst.filter((members) => {
    workers += members.length;
    bytes += members.reduce((sum, worker) => sum + worker.memoryBytes, 0);
    return workers > room.workers || bytes > room.bytes;
  });
}
