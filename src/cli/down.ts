import type { Command } from 'commander';
import { confirm } from './confirm.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { readProject, refuseHosts, withSession } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .option('--volumes', 'remove the volumes and all data in them too')
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
}

/** What goes, or would go: names as Docker has them. */
export interface Removal {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}

async function run(context: Context, options: Options): Promise<number> {
  refuseHosts(context, 'down');
  const volumes = options.volumes ?? false;
  const project = await readProject(context);
  const name = project.desired.project;
  const progress = progressView(context);
  return withSession(context, project, progress, async (session) => {
    const { takeDown } = await import('../rollout/index.ts');
    let isDeclined = false;
    const result = await takeDown(session, {
      volumes,
      confirm: async (what: Removal) => {
        progress.pause();
        if (!context.options.json) await print(context, viewRemoval(name, what, volumes, context));
        const isFinal = volumes && what.volumes.length > 0;
        const text = isFinal
          ? `\nThe data is gone for good. Type ${name} to go on:`
          : `\nTake ${name} off the hosts?`;
        isDeclined = !(await confirm(context, { command: 'down', text, ...(isFinal ? { word: name } : {}) }));
        return !isDeclined;
      },
    });
    progress.close();
    if (isDeclined) {
      await print(context, 'Nothing was changed.\n');
      return EXIT.failed;
    }
    if (context.options.json) await printJson(context, result);
    else
      await print(
        context,
        `${context.style('green', '✔')} ${name} is off the hosts. Again: seawall deploy\n`,
      );
    return EXIT.done;
  });
}

function viewRemoval(project: string, what: Removal, removesVolumes: boolean, { style }: Context): string {
  if (what.containers.length + what.networks.length + what.volumes.length === 0) {
    return `Nothing of ${project} is on the hosts.\n`;
  }
  const minus = (names: readonly string[]) =>
    names.map((name) => `  ${style('red', '-')} ${name}\n`).join('');
  const kept = what.volumes.map((name) => `  ${style('green', '=')} ${name}  kept\n`).join('');
  const section = (title: string, lines: string) => (lines === '' ? '' : `${style('bold', title)}\n${lines}`);
  return [
    section('containers', minus(what.containers)),
    section('networks', minus(what.networks)),
    section('volumes', removesVolumes ? minus(what.volumes) : kept),
  ].join('');
}
