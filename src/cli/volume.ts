import type { Command } from 'commander';
import type { Session, VolumeView } from '../rollout/index.ts';
import { confirm } from './confirm.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { readProject, withSession } from './project.ts';
import { table } from './table.ts';

export function define(command: Command, bind: Bind): void {
  command
    .command('ls')
    .description("List the project's named volumes and the hosts that hold them.")
    .addHelpText('after', '\nExample:\n  seawall volume ls')
    .action(bind((context) => withProject(context, (session) => list(context, session))));
  command
    .command('forget')
    .argument('<volume>', 'name in Docker, such as polls_data')
    .description('Give a lost volume up: the next deploy starts with an empty one.')
    .addHelpText(
      'after',
      `
A service stays with its volume. When the volume's host is gone for good, or the volume was removed by hand, deploys are refused
until the volume is back where it was, or given up here. No volume is removed by this.

Example:
  seawall volume forget polls_data`,
    )
    .action(
      bind((context, _options, name: string) =>
        withProject(context, (session) => forget(context, session, name)),
      ),
    );
}

async function withProject(context: Context, work: (session: Session) => Promise<number>): Promise<number> {
  const project = await readProject(context);
  return withSession(context, project, progressView(context), work);
}

async function list(context: Context, session: Session): Promise<number> {
  const { listVolumes } = await import('../rollout/index.ts');
  const volumes = await listVolumes(session);
  await (context.options.json ? printJson(context, volumes) : print(context, viewVolumes(volumes, context)));
  return EXIT.done;
}

function viewVolumes(volumes: readonly VolumeView[], { style }: Context): string {
  if (volumes.length === 0) return 'The project has no named volumes.\n';
  const rows = volumes.map(({ name, home, found }) => {
    const place = found.length === 0 ? style('red', 'on no host that answers') : found.join(', ');
    return [name, home ?? 'not created yet', place];
  });
  return `${table([['VOLUME', 'BELONGS ON', 'IS ON'].map((text) => style('dim', text)), ...rows])}\n`;
}

async function forget(context: Context, session: Session, name: string): Promise<number> {
  const text = `Its data is given up. To go on, type the volume's name (${name}):`;
  if (!(await confirm(context, { command: 'volume forget', text, word: name }))) {
    await print(context, 'Nothing was changed.\n');
    return EXIT.interrupted;
  }
  const { forgetVolume } = await import('../rollout/index.ts');
  await forgetVolume(session, name);
  await (context.options.json
    ? printJson(context, { project: session.desired.project, forgotten: name })
    : print(context, `${name} is given up. The next deploy makes a new one: seawall plan\n`));
  return EXIT.done;
}
