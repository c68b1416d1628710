import type { Acknowledgement } from '../catalog/record.ts';
import { plainConnections, type Worker } from './workers.ts';

/** What is known of the generations that workers belong to. Survives a restart of the agent. */
export interface GenerationBook {
  /** Generation → addresses that its workers may send requests to. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** Worker id → generation it was first seen serving. */
  readonly workers: Readonly<Record<string, number>>;
}

export const emptyBook: GenerationBook = { addresses: {}, workers: {} };

/** Notes a generation before nginx learns of it. */
export const withGeneration = (
  book: GenerationBook,
  generation: number,
  addresses: readonly string[],
): GenerationBook => ({ ...book, addresses: { ...book.addresses, [generation]: addresses.toSorted() } });

/**
 * Notes workers that serve and were not known as `current`'s, and forgets those that are gone with the generations
 * that nobody serves any more. To be called when nothing is half way: before a reload and after its confirmation.
 */
export function withWorkers(
  book: GenerationBook,
  workers: readonly Worker[],
  current: number,
): GenerationBook {
  const known: Record<string, number> = {};
  for (const worker of workers) {
    const generation = book.workers[worker.id] ?? (worker.isShuttingDown ? undefined : current);
    if (generation !== undefined) known[worker.id] = generation;
  }
  const used = new Set([current, ...Object.values(known)]);
  const addresses = Object.fromEntries(
    Object.entries(book.addresses).filter(([generation]) => used.has(Number(generation))),
  );
  return { addresses, workers: known };
}

/** Workers that do not serve the current generation. */
export function oldWorkers(
  workers: readonly Worker[],
  book: GenerationBook,
  current: number,
): readonly Worker[] {
  return workers.filter(
    (worker) => worker.isShuttingDown || (book.workers[worker.id] ?? current) !== current,
  );
}

/**
 * Addresses out of force that old workers may still use.
 * @param elsewhere addresses that the catalog knows: a worker of an unknown generation may use any of them.
 */
export function lingeringOf(
  workers: readonly Worker[],
  book: GenerationBook,
  current: number,
  inForce: ReadonlySet<string>,
  elsewhere: readonly string[],
): Acknowledgement['lingering'] {
  const counts = new Map<string, { requests: number; upgraded: number }>();
  for (const worker of oldWorkers(workers, book, current)) {
    for (const address of addressesKnownTo(worker, book, elsewhere)) {
      if (inForce.has(address)) continue;
      const count = counts.get(address) ?? { requests: 0, upgraded: 0 };
      const requests = requestsTo(worker, address, book);
      count.requests = count.requests < 0 || requests < 0 ? -1 : count.requests + requests;
      count.upgraded += worker.upstream[address]?.upgraded ?? 0;
      counts.set(address, count);
    }
  }
  const lingering = [...counts].filter(([, count]) => count.requests !== 0 || count.upgraded !== 0);
  return Object.fromEntries(lingering.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function addressesKnownTo(worker: Worker, book: GenerationBook, elsewhere: readonly string[]): Set<string> {
  const generation = book.workers[worker.id];
  const known = generation === undefined ? undefined : book.addresses[generation];
  const upstream = Object.keys(worker.upstream);
  if (known !== undefined) return new Set([...known, ...upstream]);
  return new Set([...elsewhere, ...upstream, ...Object.values(book.addresses).flat()]);
}

function requestsTo(worker: Worker, address: string, book: GenerationBook): number {
  if (!worker.isShuttingDown) return -1;
  const plain = plainConnections(worker);
  if (plain === 0) return 0;
  if (book.workers[worker.id] === undefined) return -1;
  const all = Object.values(worker.upstream).reduce((sum, count) => sum + count.requests + count.upgraded, 0);
  // A client without a connection to a replica may still be sending its request: it can go to any address. A client of HTTP/2
  // may be sending one beside others that are with replicas already; new ones it sends elsewhere since it got GOAWAY.
  const unassigned = Math.max(0, worker.clients - all, Math.min(worker.multiplexed, plain));
  return Math.min(plain, (worker.upstream[address]?.requests ?? 0) + unassigned);
}
