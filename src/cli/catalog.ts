import type { Command } from 'commander';
import { SeawallError } from '../errors.ts';
import type { PromotionView } from '../rollout/index.ts';
import { viewPromoted, viewPromotion, viewStatus } from './catalog-view.ts';
import { confirm } from './confirm.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { readProject, refuseHosts, requireName } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .command('status')
    .description('Show where the catalog is, how it does, and what the hosts keep of it.')
    .addHelpText(
      'after',
      `
Every host keeps snapshots of the whole catalog, a second or two behind it. Exits with ${EXIT.unreachable} when the catalog does not answer.

Example:
  seawall catalog status`,
    )
    .action(bind(showStatus));
  command
    .command('promote')
    .description('Make another host the catalog.')
    .argument('<host>', 'name of the host in seawall.yml')
    .option('--from-snapshot', 'take the freshest snapshot though the catalog answers: it lost its data')
    .option('--rebuild', 'take no snapshot: put the catalog together from what the hosts have')
    .addHelpText(
      'after',
      `
When the catalog answers, everything moves. When its host is lost, the new catalog starts from the freshest snapshot that the
hosts which answer have. Traffic goes on meanwhile; nginx is not touched. A host that is away follows when it is back, also the one
that had the catalog: what it still holds counts no more.

With --rebuild hosts, networks, volumes, routes and releases come from the hosts' own files, Docker's networks and volumes with
their labels, and the releases that the agents keep. What cannot be had is said before anything is done, and afterwards: the private CA,
accounts at issuers and certificates are in no host's own files. Edges go on with the certificates on their disks until new ones are there.

Example:
  seawall catalog promote app2`,
    )
    .action(bind(promote));
}

interface PromoteFlags {
  readonly fromSnapshot?: boolean;
  readonly rebuild?: boolean;
}

async function showStatus(context: Context): Promise<number> {
  refuseHosts(context, 'catalog status');
  const { config } = await readProject(context);
  const { readCatalogStatus } = await import('../rollout/index.ts');
  const status = await readCatalogStatus(config, context.signal);
  await (context.options.json
    ? printJson(context, status)
    : print(context, viewStatus(status, context.style)));
  return status.answers ? EXIT.done : EXIT.unreachable;
}

async function promote(context: Context, options: PromoteFlags, host: string): Promise<number> {
  refuseHosts(context, 'catalog promote');
  const { config } = await readProject(context);
  requireName(
    'host',
    host,
    config.hosts.map(({ name }) => name),
  );
  const from = options.rebuild ? 'rebuild' : options.fromSnapshot ? 'snapshot' : undefined;
  const { promoteHost } = await import('../rollout/index.ts');
  const progress = progressView(context);
  const { report } = progress;
  const { json } = context.options;
  let isDeclined = false;
  const ask = async (view: PromotionView): Promise<boolean> => {
    progress.pause();
    if (view.source === 'in-place') return true;
    if (!json) await print(context, viewPromotion(view, context.style));
    isDeclined = !(await confirm(context, { command: 'catalog promote', text: `Make ${host} the catalog?` }));
    return !isDeclined;
  };
  try {
    const result = await promoteHost({ config, host, from, confirm: ask, report, signal: context.signal });
    progress.close();
    await (json ? printJson(context, result) : print(context, viewPromoted(result, context.style)));
    return EXIT.done;
  } catch (error) {
    if (!isDeclined || !(error instanceof SeawallError)) throw error;
    await print(context, 'Nothing was changed.\n');
    return EXIT.interrupted;
  } finally {
    progress.close();
  }
}
