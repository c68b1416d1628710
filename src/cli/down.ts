import type { Command } from 'commander';
import type { DownView, Session } from '../rollout/index.ts';
import { confirm } from './confirm.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { lockWait, lockWaitOption } from './option-values.ts';
import { print, printJson } from './output.ts';
import { type ProgressView, progressView } from './progress.ts';
import { readProject, refuseHosts, withSession } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .option('--volumes', 'remove the volumes and all data in them too')
    .option(...lockWaitOption)
    .addHelpText(
      'after',
      `
Removes the project's replicas, routes and networks from all hosts. Volumes are kept, and named, unless --volumes is given.
The hosts stay set up: other projects are not touched.

Examples:
  seawall down
  seawall down --volumes`,
    )
    .action(bind(run));
}

interface Options {
  readonly volumes?: boolean;
  readonly lockWait?: string | boolean;
}

async function run(context: Context, options: Options): Promise<number> {
  refuseHosts(context, 'down');
  const volumes = options.volumes ?? false;
  const extra = lockWait(options.lockWait);
  const project = await readProject(context);
  const progress = progressView(context);
  const work = (session: Session) => takeOff(context, progress, session, volumes);
  return withSession(context, project, progress, work, extra);
}

async function takeOff(
  context: Context,
  progress: ProgressView,
  session: Session,
  volumes: boolean,
): Promise<number> {
  const { takeDown } = await import('../rollout/index.ts');
  const { json } = context.options;
  const name = session.desired.project;
  let isDeclined = false;
  const ask = async (what: DownView): Promise<boolean> => {
    progress.pause();
    if (!json) await print(context, viewRemoval(name, what, volumes, context));
    if (isEmpty(what)) return true;
    const isFinal = volumes && what.volumes.length > 0;
    const text = isFinal
      ? `The data is gone for good. Type ${name} to go on:`
      : `Take ${name} off the hosts?`;
    isDeclined = !(await confirm(context, { command: 'down', text, ...(isFinal ? { word: name } : {}) }));
    return !isDeclined;
  };
  try {
    const gone = await takeDown(session, { volumes, confirm: ask });
    progress.close();
    const done =
      session.cluster === undefined
        ? `Nothing of ${name} is on the hosts: they are not set up.\n`
        : `${context.style('green', '✔')} ${name} is off the hosts. Again: seawall deploy\n`;
    await (json
      ? printJson(context, { project: name, ...gone, removedVolumes: volumes })
      : print(context, done));
    return EXIT.done;
  } catch (error) {
    if (!isDeclined) throw error;
    await print(context, 'Nothing was changed.\n');
    return EXIT.interrupted;
  }
}

const isEmpty = ({ containers, networks, volumes, routes }: DownView): boolean =>
  containers.length + networks.length + volumes.length + routes === 0;

type Placed = DownView['containers'][number];

function viewRemoval(project: string, what: DownView, removesVolumes: boolean, { style }: Context): string {
  const { containers, networks, volumes, routes } = what;
  if (isEmpty(what)) return `Nothing of ${project} is on the hosts.\n`;
  const minus = style('red', '-');
  const row =
    (symbol: string, end = '') =>
    ({ name, host }: Placed) =>
      `  ${symbol} ${name} on ${host}${end}\n`;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? '' : `${style('bold', title)}\n${lines.join('')}`;
  const ending = removesVolumes
    ? row(minus, style('red', '  with its data'))
    : row(style('green', '='), '  kept');
  return `${[
    section('routes', routes === 0 ? [] : [`  ${minus} ${routes === 1 ? 'its route' : `all ${routes}`}\n`]),
    section('containers', containers.map(row(minus))),
    section('networks', networks.map(row(minus))),
    section('volumes', volumes.map(ending)),
  ].join('')}\n`;
}
