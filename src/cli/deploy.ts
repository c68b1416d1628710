import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { SeawallError } from '../errors.ts';
import type { Plan } from '../plan/index.ts';
import type { Session } from '../rollout/index.ts';
import { proposeChange } from './change.ts';
import type { Bind, Context } from './context.ts';
import { lockWait, lockWaitOption, skipUnreachableOption } from './option-values.ts';
import { type PlanFile, planFileFormat } from './plan-file.ts';
import { progressView } from './progress.ts';
import { readProject, refuseHosts, showWarnings, withSession } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .argument('[plan-file]', 'deploy exactly this plan, made by seawall plan --out; refused when it is stale')
    .option('--without-tasks', 'leave out services that others wait for to complete, such as migrations')
    .option(...lockWaitOption)
    .option(...skipUnreachableOption)
    .addHelpText(
      'after',
      `
Builds and sends what is missing, then replaces replicas one after the other; a request in flight is never cut. When a new
version does not become healthy, everything returns to the last good release.

Examples:
  seawall deploy
  seawall deploy --yes --file compose.yaml --file compose.prod.yaml
  seawall plan --out release.plan && seawall deploy release.plan`,
    )
    .action(bind(run));
}

interface Options {
  readonly withoutTasks?: boolean;
  readonly lockWait?: string | boolean;
  readonly skipUnreachable?: boolean;
}

async function run(context: Context, options: Options, planFile?: string): Promise<number> {
  refuseHosts(context, 'deploy');
  const { skipUnreachable = false } = options;
  const extra = { ...lockWait(options.lockWait), skipUnreachable };
  const expected =
    planFile === undefined ? undefined : await readPlanFile(resolve(context.terminal.cwd, planFile));
  const project = await readProject(context);
  await showWarnings(context, project.warnings);
  const progress = progressView(context);
  const work = async (session: Session) => {
    const { deploy } = await import('../rollout/index.ts');
    return proposeChange(context, progress, {
      command: 'deploy',
      notices: project.desired.notices,
      work: (confirm) =>
        deploy(session, {
          confirm,
          withoutTasks: options.withoutTasks ?? false,
          ...(expected === undefined ? {} : { expected }),
        }),
    });
  };
  return withSession(context, project, progress, work, extra);
}

async function readPlanFile(file: string): Promise<Plan> {
  const hint = 'Make one: seawall plan --out FILE';
  let content: Partial<PlanFile>;
  try {
    content = JSON.parse(await readFile(file, 'utf8')) as Partial<PlanFile>;
  } catch (error) {
    throw new SeawallError('input', 'the plan cannot be read', { where: file, hint, cause: error });
  }
  if (content.format !== planFileFormat || content.plan === undefined) {
    throw new SeawallError('input', 'this is no plan of Seawall', { where: file, hint });
  }
  return content.plan;
}
