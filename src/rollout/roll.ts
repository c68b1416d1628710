import { setTimeout as sleep } from 'node:timers/promises';
import type { DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import type { HostLink } from '../hosts/index.ts';
import type { Move, OldReplica, Step } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import type { AddressBook } from './addresses.ts';
import type { RolloutContext } from './context.ts';
import type { Leaving } from './drain.ts';
import { bringUp, resume, retire, swapStartFirst, swapStopFirst } from './swap.ts';

type Roll = Extract<Step, { kind: 'roll' }>;

/** New replicas beside running ones start side by side, so many at a time. */
const STARTS_AT_ONCE = 4;
/** For a service that is no longer in the Compose file: Compose's own grace time, Seawall's own drain. */
const GONE = { drainMs: 30_000, stopGraceMs: 10_000 };

/** Changes the replicas of one service: what drains in vain resumes, then starts, swaps by the update rule, stops. */
export async function roll(
  context: RolloutContext,
  book: AddressBook,
  step: Roll,
  parent: string,
): Promise<void> {
  const service = context.desired.services[step.service];
  const of = <K extends Move['kind']>(kind: K) =>
    step.moves.filter((move): move is Extract<Move, { kind: K }> => move.kind === kind);
  const run = (move: Move): Promise<void> => runMove(context, book, step.service, service, move, parent);
  await inBatches(of('resume'), STARTS_AT_ONCE, 0, context.signal, run);
  await inBatches(of('start'), STARTS_AT_ONCE, 0, context.signal, run);
  const swaps = of('swap');
  await inBatches(
    swaps,
    step.parallelism > 0 ? step.parallelism : swaps.length,
    step.delayMs,
    context.signal,
    run,
  );
  const stops = of('stop');
  await inBatches(stops, stops.length, 0, context.signal, run);
}

async function inBatches<T>(
  items: readonly T[],
  size: number,
  delayMs: number,
  signal: AbortSignal,
  run: (item: T) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < items.length; start += size) {
    if (start > 0 && delayMs > 0) await sleep(delayMs, undefined, { signal });
    signal.throwIfAborted();
    const outcomes = await Promise.allSettled(items.slice(start, start + size).map(run));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }
}

async function runMove(
  context: RolloutContext,
  book: AddressBook,
  name: string,
  service: DesiredService | undefined,
  move: Move,
  parent: string,
): Promise<void> {
  const host = move.kind === 'stop' ? move.old.host : move.host;
  const number = move.kind === 'stop' ? move.old.replica : move.replica;
  const verb = { start: 'start', swap: 'replace', resume: 'resume', stop: 'stop' }[move.kind];
  const step = {
    id: `${parent}/${name}-${number}-${move.kind}`,
    parent,
    host,
    title: `${verb} ${name}-${number}`,
  };
  const leaving = (old: OldReplica): Leaving => ({
    serviceName: name,
    host: linkTo(context, old.host),
    old,
    rule: service ?? GONE,
  });
  await reportStep(context.report, step, async (note) => {
    if (move.kind === 'stop') return retire(context, leaving(move.old), note);
    if (!service) throw new SeawallError('bug', `service ${name} is not desired`);
    const parts = { context, book, note };
    const wanted = { service, host: linkTo(context, move.host), replica: move.replica };
    if (move.kind === 'start') return bringUp(parts, wanted);
    if (move.kind === 'resume') return resume(parts, wanted, move.old);
    const run = move.order === 'start-first' ? swapStartFirst : swapStopFirst;
    return run(parts, wanted, leaving(move.old));
  });
}

/** The connection to a host that the plan names. */
export function linkTo(context: Pick<RolloutContext, 'links'>, host: string): HostLink {
  const link = context.links.get(host);
  if (!link) throw new SeawallError('unreachable', `host ${host} is not connected`, { where: host });
  return link;
}
