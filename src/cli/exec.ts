import type { Command } from 'commander';
import { SeawallError } from '../errors.ts';
import type { Bind, Context } from './context.ts';
import { collect, envEntries, programOf } from './option-values.ts';
import { readProject, requireService, withHosts } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .passThroughOptions()
    .argument('<service>', 'service of the Compose file')
    .argument('[command...]', 'program and its arguments (default: sh)')
    .option('-T, --no-tty', 'no terminal for the program: for pipes and scripts')
    .option(
      '-e, --env <name=value>',
      'set a variable, or pass on your own with NAME alone; repeatable',
      collect,
    )
    .option('-u, --user <user>', 'user, and group, to run as')
    .option('-w, --workdir <path>', 'folder to run in')
    .option('--replica <number>', 'in this replica (default: a healthy one)')
    .addHelpText(
      'after',
      `
Options of Seawall stand before the service; what follows it belongs to the program. Its exit code is passed on; 125 means that
Seawall itself failed.

Examples:
  seawall exec web                                  a shell
  seawall exec --replica 2 web python manage.py shell
  pg_dump local | seawall exec -T db psql -U app`,
    )
    .action(bind(run));
}

interface Options {
  readonly tty: boolean;
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly replica?: string;
}

async function run(
  context: Context,
  options: Options,
  service: string,
  words: readonly string[],
): Promise<number> {
  const number = options.replica === undefined ? undefined : Number(options.replica);
  if (number !== undefined && !(Number.isInteger(number) && number > 0)) {
    throw new SeawallError('input', `"${options.replica}" is no replica number`, { hint: 'See: seawall ps' });
  }
  const argv = programOf(words);
  const { terminal, signal } = context;
  const project = await readProject(context);
  const { desired } = project;
  requireService(project, service);
  return withHosts(context, project, async ({ links }) => {
    const { chooseReplica, execInReplica, findReplicas } = await import('../tasks/index.ts');
    const replica = chooseReplica(
      await findReplicas(links, desired.project, service, signal),
      service,
      number,
    );
    return execInReplica(replica, argv.length > 0 ? argv : ['sh'], terminal, {
      ...(options.user === undefined ? {} : { user: options.user }),
      ...(options.workdir === undefined ? {} : { workingDir: options.workdir }),
      env: envEntries(options.env ?? [], terminal.env),
      noTty: !options.tty,
      signal,
    });
  });
}
