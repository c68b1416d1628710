import type { Command } from 'commander';
import { describeError, SeawallError } from '../errors.ts';
import { confirm } from './confirm.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { removeMachine } from './machine-remove.ts';
import { lostMachineRow, type MachineRow, machineRow, viewMachines } from './machine-view.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { LOOK_TIMEOUT_S, readProject, refuseHosts } from './project.ts';
import { gapLine } from './rollout-view.ts';

export function define(command: Command, bind: Bind): void {
  command
    .command('setup')
    .description('Prepare all hosts: Docker, private network, agent, edge. Safe to repeat.')
    .addHelpText(
      'after',
      `
Installs Docker from the distribution's packages where it is missing (Debian and Ubuntu), makes the hosts one cluster, and starts
Seawall's own containers. What is there already is left alone. A deploy does this by itself for hosts that lack it, but for
Docker.

Example:
  seawall machine setup`,
    )
    .action(bind(setUpAll));
  command
    .command('ls')
    .description('List the hosts: role, engine, agent, edge, link, free disk, clock skew.')
    .addHelpText(
      'after',
      `\nExits with ${EXIT.unreachable} when a host does not answer.\n\nExample:\n  seawall machine ls`,
    )
    .action(bind(list));
  command
    .command('rm')
    .description('Take a host out of the cluster and Seawall off it.')
    .argument('<host>', 'name of the host in seawall.yml; local for this machine when there are no hosts')
    .option('--images', 'remove the images too that Seawall built or named there')
    .option(
      '--force',
      'what cannot move, because its volumes are there, goes with the host; the volumes stay on its disk',
    )
    .option('--gone', 'the host is dead for good: forget it without reaching it')
    .addHelpText(
      'after',
      `
First starts on the other hosts what projects run there, without losing a request. Then removes agent, server, edge, networks, host
rules, the link and Seawall's files from the host, and the host from the catalog. It is refused for a service whose volumes are
there, and for the host of the catalog while there are others. Volumes stay, with their data; Docker stays.

A host that is dead for good is forgotten with --gone: should it come back, the others do not listen to it. The next deploy starts
elsewhere what ran there; a volume that was there has to be given up first (seawall volume forget).

Examples:
  seawall machine rm app2
  seawall machine rm app2 --gone
  seawall down && seawall machine rm local --images`,
    )
    .action(bind(removeMachine));
}

async function setUpAll(context: Context): Promise<undefined> {
  refuseHosts(context, 'machine setup');
  const { desired, config } = await readProject(context);
  const { terminal, options, signal } = context;
  const names = config.hosts.map(({ name }) => name).join(', ');
  const isAgreed = await confirm(context, {
    command: 'machine setup',
    text: `${edgeWarning(config.hosts)}Prepare ${names} for Seawall?`,
  });
  if (!isAgreed) throw new SeawallError('interrupted', 'nothing was changed');
  const { connectForSetup, setUp } = await import('../rollout/index.ts');
  const progress = progressView(context);
  const { report } = progress;
  const interactive = terminal.stdin.isTTY === true && !options.json;
  const links = await connectForSetup(config, { report, signal, interactive });
  const close = async () => {
    for (const link of links) link.close();
  };
  // Not openSession: it asks the catalog, which may be what has to be repaired.
  const session = {
    desired,
    config,
    links,
    failures: [],
    hosts: [],
    report,
    signal,
    command: 'seawall machine setup',
    close,
  };
  try {
    const { cluster, done, edgeGapsMs } = await setUp(session);
    progress.close();
    await (options.json
      ? printJson(context, {
          cluster: cluster.id,
          link: cluster.link,
          catalog: cluster.catalog.host,
          done,
          edgeGapsMs,
        })
      : print(context, viewSetup(done, edgeGapsMs, context)));
  } finally {
    progress.close();
    await close();
  }
}

/**
 * Of several edges the others serve while one is replaced; of a single one it is said before. Whether other projects of the
 * cluster have further ones is not known yet.
 */
function edgeWarning(hosts: readonly { readonly name: string; readonly roles: readonly string[] }[]): string {
  const edges = hosts.filter(({ roles }) => roles.includes('edge'));
  const [only] = edges;
  if (only === undefined || edges.length > 1) return '';
  return `${only.name} is the only edge here: if its nginx has to be replaced and the cluster has no other, no connection is accepted for about a second.\n`;
}

function viewSetup(
  done: Readonly<Record<string, readonly string[]>>,
  edgeGapsMs: Readonly<Record<string, number>>,
  { style }: Context,
): string {
  const check = style('green', '✔');
  const hosts = Object.entries(done).map(([host, what]) => {
    const gap = edgeGapsMs[host];
    const away = gap === undefined ? [] : [gapLine(gap)];
    const lines = [...what, ...away].map((line) => `    ${line}\n`).join('');
    return `${check} ${style('bold', host)}${what.length === 0 ? ': nothing to do' : ''}\n${lines}`;
  });
  return `${hosts.join('')}\nNext: seawall deploy\n`;
}

async function list(context: Context): Promise<number> {
  const { config } = await readProject(context);
  const { options, signal } = context;
  const { connectHosts, readFacts } = await import('../hosts/index.ts');
  const hosts = config.hosts.filter(({ name }) => options.hosts.length === 0 || options.hosts.includes(name));
  const { links, failures } = await connectHosts(hosts, {
    sshConfig: config.sshConfig,
    signal,
    connectTimeoutS: LOOK_TIMEOUT_S,
  });
  try {
    const rows = await Promise.all(
      hosts.map(async (host): Promise<MachineRow> => {
        const link = links.find(({ name }) => name === host.name);
        const failure = failures.find(({ name }) => name === host.name);
        if (link === undefined) return lostMachineRow(host, failure?.error.message ?? 'does not answer');
        try {
          return machineRow(host, await readFacts(link, { signal }));
        } catch (error) {
          signal.throwIfAborted();
          return lostMachineRow(host, describeError(error));
        }
      }),
    );
    await (options.json
      ? printJson(context, { hosts: rows })
      : print(context, viewMachines(rows, context.style)));
    return rows.some(({ problem }) => problem !== null) ? EXIT.unreachable : EXIT.done;
  } finally {
    for (const link of links) link.close();
  }
}
