import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { Desired } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import type { Session } from '../rollout/index.ts';
import type { Bind, Context } from './context.ts';
import { collect, envEntries, programOf } from './option-values.ts';
import { progressView } from './progress.ts';
import { type ProjectFiles, readProject, requireService, showWarnings, withSession } from './project.ts';

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
ports, no requests from the edges. A service of an inactive profile runs as the files say: its image is built and brought to a
host first. Options of Seawall stand before the service. The program's exit code is passed on; 125 means that Seawall itself
failed.

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
  const { project, isInactive } = await readWith(context, service);
  await showWarnings(context, project.warnings);
  const progress = progressView(context);
  const work = async (session: Session): Promise<number> => {
    const { isInteractive, runOneOff } = await import('../tasks/index.ts');
    const { cluster, release, desired: deployed } = await deployedState(session);
    const isNew = isInactive && deployed.services[service] === undefined;
    const { desired, hosts } = isNew
      ? await madeReady(context, session, deployed, service)
      : { desired: deployed, hosts: context.options.hosts };
    progress.close();
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
  };
  return withSession(context, project, progress, work, { lockWaitMs: LOCK_WAIT_MS });
}

/** As long as a deploy may well take: what is made ready for an inactive profile waits for it. */
const LOCK_WAIT_MS = 600_000;

interface Read {
  readonly project: ProjectFiles;
  /** Only its being named has the service there. */
  readonly isInactive: boolean;
}

/** As Docker Compose does, whoever names a service activates its profiles. */
async function readWith(context: Context, service: string): Promise<Read> {
  const project = await readProject(context);
  const profiles = project.inactive?.[service];
  if (profiles !== undefined) return { project: await readProject(context, {}, profiles), isInactive: true };
  requireService(project, service);
  return { project, isInactive: false };
}

/** The release in force with a service that is not in it, and the host that has what it needs. */
async function madeReady(
  { options: { hosts } }: Context,
  session: Session,
  deployed: Desired,
  service: string,
): Promise<{ readonly desired: Desired; readonly hosts: readonly string[] }> {
  const { readyOneOff } = await import('../rollout/index.ts');
  const { desired, host } = await readyOneOff(session, deployed, service, hosts[0]);
  return { desired, hosts: [host] };
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
