import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { SeawallError } from '../errors.ts';
import type { Session } from '../rollout/index.ts';
import type { Bind, Context } from './context.ts';
import { collect, envEntries, programOf } from './option-values.ts';
import { progressView } from './progress.ts';
import { readProject, requireService, withSession } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .passThroughOptions()
    .argument('<service>', 'service of the Compose file')
    .argument('[command...]', "program and its arguments (default: the service's own)")
    .option('--rm', 'remove the container afterwards (default)', true)
    .option('--no-rm', 'keep the container, to look into it with docker')
    .option('-T, --no-tty', 'no terminal for the program: for pipes and scripts')
    .option(
      '-e, --env <name=value>',
      'set a variable, or pass on your own with NAME alone; repeatable',
      collect,
    )
    .option('-u, --user <user>', 'user, and group, to run as')
    .option('-w, --workdir <path>', 'folder to run in')
    .option('--entrypoint <program>', "instead of the image's or the service's entrypoint")
    .addHelpText(
      'after',
      `
A container of its own beside the replicas: image, settings, networks and volumes of the service as deployed, no published
ports, no requests from the edges. Options of Seawall stand before the service. The program's exit code is passed on; 125 means
that Seawall itself failed.

Examples:
  seawall run --rm web python manage.py createsuperuser
  seawall run -T -e PGPASSWORD db pg_dump -h db -U app > dump.sql`,
    )
    .action(bind(run));
}

interface Options {
  readonly rm: boolean;
  readonly tty: boolean;
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workdir?: string;
  readonly entrypoint?: string;
}

async function run(
  context: Context,
  options: Options,
  service: string,
  words: readonly string[],
): Promise<number> {
  const argv = programOf(words);
  const { terminal, signal } = context;
  const project = await readProject(context);
  requireService(project, service);
  return withSession(context, project, progressView(context), async (session) => {
    const { isInteractive, runOneOff } = await import('../tasks/index.ts');
    const { cluster, release, desired } = await deployedState(session);
    const { hosts } = context.options;
    return runOneOff(
      {
        desired,
        service,
        release,
        cluster,
        links: session.links.filter(({ name }) => hosts.length === 0 || hosts.includes(name)),
        privateAddresses: new Map(session.hosts.map(({ name, privateAddress }) => [name, privateAddress])),
        overrides: {
          argv,
          env: envEntries(options.env ?? [], terminal.env),
          tty: options.tty && isInteractive(terminal),
          ...(options.user === undefined ? {} : { user: options.user }),
          ...(options.workdir === undefined ? {} : { workingDir: options.workdir }),
          ...(options.entrypoint === undefined ? {} : { entrypoint: options.entrypoint }),
        },
        remove: options.rm,
        suffix: randomBytes(3).toString('hex'),
        signal,
      },
      terminal,
    );
  });
}

/** The release in force: a one-off container is to see what the replicas are, not what the files say by now. */
async function deployedState(session: Session) {
  const { clusterOf, listReleases, openRelease } = await import('../rollout/index.ts');
  const { cluster } = clusterOf(session);
  const release = (await listReleases(session)).findLast(({ status }) => status === 'good');
  if (release === undefined) {
    throw new SeawallError('refused', `${session.desired.project} has not been deployed yet`, {
      hint: 'Deploy it first: seawall deploy',
    });
  }
  return { cluster: cluster.id, release: release.number, desired: openRelease(cluster, release) };
}
