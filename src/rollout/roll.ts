import { setTimeout as sleep } from 'node:timers/promises';
import type { DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import type { HostLink } from '../hosts/index.ts';
import type { Move, OldReplica, Step } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import { Slots } from '../slots.ts';
import type { AddressBook } from './addresses.ts';
import type { RolloutContext } from './context.ts';
import type { Leaving } from './drain.ts';
import { FailureCount, type ToleratedFailure } from './failure-count.ts';
import { retire } from './leave.ts';
import type { Monitor } from './monitor.ts';
import { bringUp, resume, type SwapParts, swapStartFirst, swapStopFirst } from './swap.ts';

type Roll = Extract<Step, { kind: 'roll' }>;

/** New replicas beside running ones start side by side, so many at a time. */
const STARTS_AT_ONCE = 4;
/**
 * So many times a rule's parallelism may be on their way out: a drain lasts about twice as long as a start, most of it the time for
 * which names are cached.
 */
const LEAVING_FOR_EACH_START = 2;
/** For a service that neither the Compose file nor the release in force has: Compose's own grace time, Seawall's own drain. */
const GONE = { drainMs: 30_000, stopGraceMs: 10_000 };

/** What the rolls of one rollout share. */
export interface RollParts {
  readonly context: RolloutContext;
  readonly book: AddressBook;
  readonly monitor: Monitor;
  /** Aborted with the reason when no further move is to begin. */
  readonly halt: AbortController;
  readonly tolerated: ToleratedFailure[];
}

/** One service's roll under way. */
interface Rolling {
  readonly parts: RollParts;
  readonly step: Roll;
  /** Id of the roll's own progress step. */
  readonly parent: string;
  readonly service: DesiredService | undefined;
  readonly failures: FailureCount;
  /** Replicas that may be on their way out at one time. */
  readonly leaving: Slots;
}

/**
 * Changes the replicas of one service in the order of the step's moves, by its update rule. Never rejects: what goes wrong
 * is counted and ends the rollout by its halt, or is tolerated.
 */
export async function roll(parts: RollParts, step: Roll, parent: string): Promise<void> {
  const news = step.moves.filter((move) => move.kind === 'start' || move.kind === 'swap');
  const swaps = step.moves.filter((move) => move.kind === 'swap');
  const atOnce = step.rule.parallelism > 0 ? step.rule.parallelism : Math.max(1, swaps.length);
  const rolling: Rolling = {
    parts,
    step,
    parent,
    service: parts.context.desired.services[step.service],
    failures: new FailureCount(step.service, step.rule, news.length, parts),
    leaving: new Slots(LEAVING_FOR_EACH_START * atOnce),
  };
  for (const kind of new Set(step.moves.map((move) => move.kind))) {
    const moves = step.moves.filter((move) => move.kind === kind);
    if (kind !== 'swap') await sideBySide(rolling, moves, kind === 'stop' ? moves.length : STARTS_AT_ONCE);
    else if (step.rule.delayMs > 0 || swaps.some(({ order }) => order === 'stop-first'))
      await inBatches(rolling, swaps, atOnce);
    else await sideBySide(rolling, swaps, atOnce);
  }
}

/**
 * At most so many at a time. A start-first swap gives its place away as soon as its old replica begins to drain, so that the
 * next new one starts meanwhile; no more than `leaving` drain at a time.
 */
async function sideBySide(rolling: Rolling, moves: readonly Move[], atOnce: number): Promise<void> {
  const places = new Slots(atOnce);
  await Promise.all(
    moves.map(async (move) => {
      let leave = Promise.resolve();
      await places.run(
        () =>
          new Promise<void>((serves) => {
            leave = runMove(rolling, move, serves).finally(serves);
          }),
      );
      await leave;
    }),
  );
}

async function inBatches(rolling: Rolling, moves: readonly Move[], size: number): Promise<void> {
  const { halt, context } = rolling.parts;
  for (let start = 0; start < moves.length && !halt.signal.aborted; start += size) {
    if (start > 0 && rolling.step.rule.delayMs > 0) {
      const signal = AbortSignal.any([halt.signal, context.signal]);
      await sleep(rolling.step.rule.delayMs, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(
      moves.slice(start, start + size).map((move) => runMove(rolling, move, () => undefined)),
    );
  }
}

/** Does one move unless the rollout is to end. `serves` is called when its old replica may leave. */
async function runMove(rolling: Rolling, move: Move, serves: () => void): Promise<void> {
  const { context, halt } = rolling.parts;
  if (context.signal.aborted) halt.abort(context.signal.reason);
  if (halt.signal.aborted) return;
  try {
    await reportStep(context.report, progressStep(rolling, move), (note) =>
      doMove(rolling, move, note, serves),
    );
  } catch (error) {
    if (context.signal.aborted || halt.signal.aborted) halt.abort(error);
    else if (isCounted(error)) rolling.failures.add(error);
    else halt.abort(error);
  }
}

/** What may be the fault of one replica; a lost lease or a bug is not, and ends everything. */
const isCounted = (error: unknown): error is SeawallError =>
  error instanceof SeawallError && ['rolled-back', 'timeout', 'docker', 'unreachable'].includes(error.code);

function progressStep({ step, parent }: Rolling, move: Move) {
  const { host, replica } = move.kind === 'stop' ? move.old : move;
  const verb = { start: 'start', swap: 'replace', resume: 'resume', stop: 'stop' }[move.kind];
  const id = `${parent}/${step.service}-${replica}-${move.kind}`;
  return { id, parent, host, title: `${verb} ${step.service}-${replica}` };
}

async function doMove(
  rolling: Rolling,
  move: Move,
  note: (text: string) => void,
  serves: () => void,
): Promise<void> {
  const { parts, step, service } = rolling;
  const { context } = parts;
  const leaving = (old: OldReplica): Leaving => ({
    serviceName: step.service,
    host: linkTo(context, old.host),
    old,
    rule: service ?? step.ending ?? GONE,
  });
  if (move.kind === 'stop') return retire(context, leaving(move.old), note);
  if (!service) throw new SeawallError('bug', `service ${step.service} is not desired`);
  const wanted = { service, host: linkTo(context, move.host), replica: move.replica };
  const swapParts = swapPartsOf(rolling, note, serves);
  if (move.kind === 'resume') return resume(swapParts, wanted, move.old);
  if (move.kind === 'start') {
    await bringUp(swapParts, wanted);
    return;
  }
  return move.order === 'start-first'
    ? swapStartFirst(swapParts, wanted, leaving(move.old))
    : swapStopFirst(swapParts, wanted, leaving(move.old));
}

function swapPartsOf(
  { parts, step, failures, leaving }: Rolling,
  note: (text: string) => void,
  serves: () => void,
): SwapParts {
  return {
    context: parts.context,
    book: parts.book,
    halt: parts.halt.signal,
    note,
    monitor: (host, made) =>
      parts.monitor.watch(host, made, step.rule.monitorMs, (failure) => failures.add(failure)),
    leave: (work) =>
      leaving.run(() => {
        serves();
        return work();
      }),
  };
}

/** The connection to a host that the plan names. */
export function linkTo(context: Pick<RolloutContext, 'links'>, host: string): HostLink {
  const link = context.links.get(host);
  if (!link) throw new SeawallError('unreachable', 'it is not connected', { where: host });
  return link;
}
