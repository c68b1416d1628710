import type { Command } from 'commander';
import { SeawallError } from '../errors.ts';
import type { Session } from '../rollout/index.ts';
import { proposeChange } from './change.ts';
import type { Bind, Context } from './context.ts';
import { lockWait, lockWaitOption, skipUnreachableOption } from './option-values.ts';
import { progressView } from './progress.ts';
import { readProject, refuseHosts, withSession } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .argument(
      '[release]',
      'number of the release, as seawall releases shows it (default: the last good one before the present)',
    )
    .option(...lockWaitOption)
    .option(...skipUnreachableOption)
    .addHelpText(
      'after',
      `
Deploys an earlier release again, as it was: images, settings and replicas. Tasks such as migrations are not undone; those
that ran since are named.

Examples:
  seawall rollback
  seawall rollback 11`,
    )
    .action(bind(run));
}

interface Options {
  readonly lockWait?: string | boolean;
  readonly skipUnreachable?: boolean;
}

async function run(context: Context, options: Options, release?: string): Promise<number> {
  refuseHosts(context, 'rollback');
  if (release !== undefined && !/^[1-9]\d*$/.test(release)) {
    throw new SeawallError('input', `"${release}" is no release number`, { hint: 'See: seawall releases' });
  }
  const { skipUnreachable = false } = options;
  const extra = { ...lockWait(options.lockWait), skipUnreachable };
  const project = await readProject(context);
  const progress = progressView(context);
  const work = async (session: Session) => {
    const { rollback } = await import('../rollout/index.ts');
    return proposeChange(context, progress, {
      command: 'rollback',
      notices: [],
      work: (confirm) =>
        rollback(session, { confirm, ...(release === undefined ? {} : { release: Number(release) }) }),
    });
  };
  return withSession(context, project, progress, work, extra);
}
