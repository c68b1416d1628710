import type { Step } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import { AddressBook } from './addresses.ts';
import type { RolloutContext } from './context.ts';
import { prepareHost } from './prepare.ts';
import { roll } from './roll.ts';
import { publishRoutes } from './routes.ts';
import { runTask } from './task.ts';

/** Does the steps of a plan, in order. What fails is thrown as it is; nothing is undone here. Gives the tasks that ran. */
export async function execute(
  context: RolloutContext,
  steps: readonly Step[],
  onTask: (name: string) => Promise<void>,
): Promise<void> {
  const book = new AddressBook(context);
  for (const step of steps) {
    context.signal.throwIfAborted();
    await executeStep(context, book, step, onTask);
  }
}

async function executeStep(
  context: RolloutContext,
  book: AddressBook,
  step: Step,
  onTask: (name: string) => Promise<void>,
): Promise<void> {
  const { report } = context;
  switch (step.kind) {
    case 'prepare':
      return prepareHost(context, step);
    case 'run-task':
      return reportStep(
        report,
        { id: `task-${step.service}`, title: `run ${step.service}`, host: step.host },
        async () => {
          await onTask(step.service);
          await runTask(context, step);
        },
      );
    case 'roll': {
      const id = `roll-${step.service}`;
      return reportStep(report, { id, title: step.service }, () => roll(context, book, step, id));
    }
    case 'publish-routes':
      return reportStep(report, { id: 'routes', title: 'publish routes' }, (note) =>
        publishRoutes(context, step.routes, note),
      );
  }
}
