import type { Notice } from '../compose/desired.ts';
import { type Plan, viewPlan } from '../plan/index.ts';
import type { RolloutResult } from '../rollout/index.ts';
import { confirm } from './confirm.ts';
import type { Context } from './context.ts';
import { EXIT, outcomeExitCode } from './exit-code.ts';
import { print, printJson } from './output.ts';
import type { ProgressView } from './progress.ts';
import { viewResult } from './rollout-view.ts';
import { hasColour } from './terminal.ts';

/** A change of what runs that has been planned by a rollout, as the commands put it before the user. */
export interface ProposedChange {
  /** Name of the command, such as `deploy`. */
  readonly command: string;
  readonly notices: readonly Notice[];
  /** Does it, asking the given function first. */
  work(confirm: (plan: Plan) => Promise<boolean>): Promise<RolloutResult>;
}

/** Shows the plan, asks, lets it be done and shows what came of it. @returns the exit code. */
export async function proposeChange(
  context: Context,
  progress: ProgressView,
  change: ProposedChange,
): Promise<number> {
  const { options } = context;
  const colour = hasColour(context.terminal, context.terminal.stdout);
  let isDeclined = false;
  const ask = async (plan: Plan): Promise<boolean> => {
    progress.pause();
    if (!options.json) await print(context, `${viewPlan(plan, { colour, notices: change.notices })}\n`);
    isDeclined = !(await confirm(context, { command: change.command, text: `Do this to ${plan.project}?` }));
    return !isDeclined;
  };
  try {
    const result = await change.work(ask);
    progress.close();
    await (options.json ? printJson(context, result) : print(context, viewResult(result, { colour })));
    if (context.signal.aborted && result.outcome === 'reverted') return EXIT.interrupted;
    return outcomeExitCode(result.outcome);
  } catch (error) {
    if (!isDeclined) throw error;
    await print(context, 'Nothing was changed.\n');
    return EXIT.interrupted;
  }
}
