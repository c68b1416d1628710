import type { Command } from 'commander';
import { SeawallError } from '../errors.ts';
import type { Session } from '../rollout/index.ts';
import { proposeChange } from './change.ts';
import type { Bind, Context } from './context.ts';
import { lockWait, lockWaitOption, skipUnreachableOption } from './option-values.ts';
import { progressView } from './progress.ts';
import { readProject, refuseHosts, requireName, showWarnings, withSession } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .usage('[options] <service=replicas...>')
    .argument('<service=replicas...>', 'such as web=4; "web 4" is understood too')
    .option(...lockWaitOption)
    .option(...skipUnreachableOption)
    .addHelpText(
      'after',
      `
Holds until the next deploy, which returns to what the files say (deploy.replicas). Tasks such as migrations do not run.

Examples:
  seawall scale web=4
  seawall scale web=4 worker=2`,
    )
    .action(bind(run));
}

interface Options {
  readonly lockWait?: string | boolean;
  readonly skipUnreachable?: boolean;
}

async function run(context: Context, options: Options, words: readonly string[]): Promise<number> {
  refuseHosts(context, 'scale');
  const scale = parseScale(words);
  const { skipUnreachable = false } = options;
  const extra = { ...lockWait(options.lockWait), skipUnreachable };
  const { desired } = await readProject(context);
  const scalable = Object.values(desired.services).filter(({ kind }) => kind === 'replica');
  for (const service of Object.keys(scale))
    requireName(
      'service',
      service,
      scalable.map(({ name }) => name),
    );
  const project = await readProject(context, scale);
  await showWarnings(context, project.warnings);
  const progress = progressView(context);
  const work = async (session: Session) => {
    const { deploy } = await import('../rollout/index.ts');
    return proposeChange(context, progress, {
      command: 'scale',
      notices: [],
      work: (confirm) => deploy(session, { confirm, withoutTasks: true }),
    });
  };
  return withSession(context, project, progress, work, extra);
}

/** Replicas by service, of `web=4 worker=2` or `web 4 worker 2`. @throws SeawallError `input` */
export function parseScale(words: readonly string[]): Record<string, number> {
  const pairs = words.join('=').split('=');
  const scale: Record<string, number> = {};
  for (let at = 0; at < pairs.length; at += 2) {
    const [service = '', replicas = ''] = pairs.slice(at, at + 2);
    if (service === '' || !/^\d{1,4}$/.test(replicas)) {
      throw new SeawallError(
        'input',
        `"${words.join(' ')}" does not say how many replicas of which service`,
        {
          hint: 'Write it as: seawall scale web=4',
        },
      );
    }
    scale[service] = Number(replicas);
  }
  return scale;
}
