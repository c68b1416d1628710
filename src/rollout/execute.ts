import type { Step } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import { Slots } from '../slots.ts';
import { AddressBook } from './addresses.ts';
import type { RolloutContext } from './context.ts';
import { awaitDependencies } from './dependency-wait.ts';
import type { ToleratedFailure } from './failure-count.ts';
import { Monitor } from './monitor.ts';
import { prepareHost } from './prepare.ts';
import { type RollParts, roll } from './roll.ts';
import { publish } from './routes.ts';
import { runTask } from './task.ts';

/** Services that do not depend on each other and are rolled side by side: each may start containers on every host. */
const SERVICES_AT_ONCE = 3;

type OnTask = (name: string) => Promise<void>;
type Work = Extract<Step, { kind: 'roll' | 'run-task' }>;

/**
 * Does the steps of a plan. What ends it is thrown when all that was under way has ended; nothing is undone here.
 * @returns failures that the services' rules let pass.
 */
export async function execute(
  context: RolloutContext,
  steps: readonly Step[],
  onTask: OnTask,
): Promise<readonly ToleratedFailure[]> {
  const halt = new AbortController();
  const monitor = new Monitor(AbortSignal.any([halt.signal, context.signal]));
  const parts: RollParts = { context, book: new AddressBook(context), monitor, halt, tolerated: [] };
  for (const group of stepGroups(steps)) {
    await doGroup(parts, group, onTask);
    context.signal.throwIfAborted();
    halt.signal.throwIfAborted();
  }
  await monitor.settled();
  context.signal.throwIfAborted();
  halt.signal.throwIfAborted();
  return parts.tolerated;
}

/** Neighbours that may run side by side: preparations of hosts; rolls and tasks. */
function stepGroups(steps: readonly Step[]): Step[][] {
  const kindOf = ({ kind }: Step): string => (kind === 'run-task' ? 'roll' : kind);
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last?.[0] && kindOf(last[0]) === kindOf(step)) last.push(step);
    else groups.push([step]);
  }
  return groups;
}

/** Does the steps of a group, each when those that it waits for are done. */
async function doGroup(parts: RollParts, group: readonly Step[], onTask: OnTask): Promise<void> {
  const { context, halt } = parts;
  const slots = new Slots(SERVICES_AT_ONCE);
  const done = new Map<string, Promise<void>>();
  const all = group.map((step) => {
    const before = 'after' in step ? step.after.map((name) => done.get(name)) : [];
    const work = Promise.all(before)
      .then(() => slots.run(() => doStep(parts, step, onTask)))
      .catch((error: unknown) => halt.abort(context.signal.aborted ? context.signal.reason : error));
    if ('after' in step) done.set(step.service, work);
    return work;
  });
  await Promise.all(all);
}

async function doStep(parts: RollParts, step: Step, onTask: OnTask): Promise<void> {
  const { context, halt } = parts;
  if (halt.signal.aborted || context.signal.aborted) return;
  switch (step.kind) {
    case 'prepare':
      return prepareHost(context, step);
    case 'run-task':
    case 'roll':
      return doWork(parts, step, onTask);
    case 'publish-routes':
      return reportStep(context.report, { id: 'routes', title: 'publish routes' }, (note) =>
        publish(context, step.routes, context.desired.certificates ?? [], note),
      );
  }
}

async function doWork(parts: RollParts, step: Work, onTask: OnTask): Promise<void> {
  const { context, halt } = parts;
  const { service } = step;
  if (step.kind === 'run-task') {
    const shown = { id: `task-${service}`, title: `run ${service}`, host: step.host };
    return reportStep(context.report, shown, async (note) => {
      await awaitDependencies(context, service, note);
      await onTask(service);
      await runTask(context, step);
    });
  }
  const id = `roll-${service}`;
  const isStarting = step.moves.some(({ kind }) => kind === 'start' || kind === 'swap');
  return reportStep(context.report, { id, title: service }, async (note) => {
    if (isStarting) await awaitDependencies(context, service, note);
    await roll(parts, step, id);
    halt.signal.throwIfAborted();
  });
}
