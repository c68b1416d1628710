import { type GenerationBook, oldWorkers } from './lingering.ts';
import { plainConnections, type Worker } from './workers.ts';

/** Old generations that may live on for their upgraded connections alone, and old generations at all. */
export interface OldGenerationLimits {
  readonly upgradedOnly: number;
  readonly all: number;
}

const oldGenerationLimits: OldGenerationLimits = { upgradedOnly: 8, all: 32 };

/** Old workers that are too many: those of the oldest generations above the limits. Their connections will be cut. */
export function workersToEnd(
  workers: readonly Worker[],
  book: GenerationBook,
  current: number,
  limits: OldGenerationLimits = oldGenerationLimits,
): readonly Worker[] {
  const generations = new Map<number, Worker[]>();
  for (const worker of oldWorkers(workers, book, current)) {
    // A worker of before this agent's memory is older than everything it knows.
    const generation = book.workers[worker.id] ?? 0;
    generations.set(generation, [...(generations.get(generation) ?? []), worker]);
  }
  const newestFirst = [...generations].toSorted(([a], [b]) => b - a);
  const beyond = newestFirst.slice(limits.all);
  const upgradedOnly = newestFirst.filter(([, members]) =>
    members.every((worker) => worker.isShuttingDown && plainConnections(worker) === 0),
  );
  return [
    ...new Set([...beyond, ...upgradedOnly.slice(limits.upgradedOnly)].flatMap(([, members]) => members)),
  ];
}
