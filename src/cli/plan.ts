import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Plan, viewPlan } from '../plan/index.ts';
import { replaceFile } from '../replace-file.ts';
import type { Session } from '../rollout/index.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { skipUnreachableOption } from './option-values.ts';
import { print, printJson } from './output.ts';
import { type PlanFile, planFileFormat } from './plan-file.ts';
import { progressView } from './progress.ts';
import { readProject, showWarnings, withSession } from './project.ts';
import { hasColour } from './terminal.ts';

export function define(command: Command, bind: Bind): void {
  command
    .option('--out <file>', 'save the plan for seawall deploy FILE')
    .option('--exit-code', `exit with ${EXIT.hasChanges} when there are changes`)
    .option('--without-tasks', 'leave out services that others wait for to complete, such as migrations')
    .option(...skipUnreachableOption)
    .addHelpText(
      'after',
      `
Compares the files with what the hosts really run, and touches nothing.

Examples:
  seawall plan
  seawall plan --host app1
  seawall plan --out release.plan && seawall deploy release.plan`,
    )
    .action(bind(run));
}

interface Options {
  readonly out?: string;
  readonly exitCode?: boolean;
  readonly withoutTasks?: boolean;
  readonly skipUnreachable?: boolean;
}

async function run(context: Context, options: Options): Promise<number> {
  const project = await readProject(context);
  await showWarnings(context, project.warnings);
  const progress = progressView(context);
  const { withoutTasks = false, skipUnreachable = false } = options;
  const look = async (session: Session) => {
    const { planProject } = await import('../rollout/index.ts');
    const { plan } = await planProject(session, { withoutTasks });
    return { plan, unreachable: session.failures.length > 0 && !skipUnreachable };
  };
  const { plan, unreachable } = await withSession(context, project, progress, look, { skipUnreachable });
  if (options.out !== undefined) await writePlanFile(resolve(context.terminal.cwd, options.out), plan);
  if (context.options.json)
    await printJson(context, { ...plan, notices: project.desired.notices, problems: project.warnings });
  else {
    const colour = hasColour(context.terminal, context.terminal.stdout);
    const { hosts } = context.options;
    await print(
      context,
      viewPlan(plan, { colour, hosts, notices: plan.changes.length > 0 ? project.desired.notices : [] }),
    );
    if (options.out !== undefined)
      await print(context, `\nSaved. Deploy it: seawall deploy ${options.out}\n`);
  }
  if (unreachable) return EXIT.unreachable;
  if (plan.obstacles.length > 0) return EXIT.input;
  return options.exitCode && plan.changes.length > 0 ? EXIT.hasChanges : EXIT.done;
}

async function writePlanFile(file: string, plan: Plan): Promise<void> {
  const content: PlanFile = { format: planFileFormat, plan };
  const text = `${JSON.stringify(content, undefined, 2)}\n`;
  await replaceFile(file, text, 0o600, `${file}.${process.pid}.tmp`);
}
