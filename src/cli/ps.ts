import type { Command } from 'commander';
import { viewMixed } from '../plan/index.ts';
import { viewTrouble } from './cert-view.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { readProject, requireService, withHosts } from './project.ts';
import { readCatalog, readContainers } from './ps-read.ts';
import { expectedReplicas, mergeRows, type ReplicaRow, viewRows } from './ps-view.ts';

export function define(command: Command, bind: Bind): void {
  command
    .argument('[service...]', 'only these services (default: all)')
    .option('-q, --quiet', 'names only')
    .addHelpText(
      'after',
      `
One line per replica: how it is, where, of which release, since when; below, certificates that are not as they should be. Goes on when a host does not answer, and exits with ${EXIT.unreachable} then.

Examples:
  seawall ps
  seawall ps web --json`,
    )
    .action(bind(run));
}

interface Options {
  readonly quiet?: boolean;
}

async function run(context: Context, options: Options, wanted: readonly string[]): Promise<number> {
  const project = await readProject(context);
  const { desired } = project;
  for (const service of wanted) requireService(project, service);
  return withHosts(context, project, async ({ links, failures }) => {
    const [containers, catalog] = await Promise.all([
      readContainers(links, desired.project, context.signal),
      readCatalog(links, desired, context.signal),
    ]);
    // With --host, or when nobody can say what an absent host holds, what is elsewhere is not missing.
    const isWhole = context.options.hosts.length === 0 && (failures.length === 0 || catalog !== undefined);
    const expected = isWhole ? expectedReplicas(catalog?.inForce ?? desired) : [];
    const lost = failures.map(({ name }) => name);
    const isWanted = ({ service }: ReplicaRow) => wanted.length === 0 || wanted.includes(service);
    const rows = mergeRows(containers, catalog?.replicas, expected, lost).filter(isWanted);
    const unreachable = failures.map(({ name, error }) => ({
      host: name,
      reason: error.message,
      hint: error.hint,
    }));
    if (context.options.json)
      await printJson(context, {
        ...{ project: desired.project, replicas: rows, unreachable },
        ...(catalog === undefined ? {} : { certificates: catalog.certificates }),
        ...(catalog?.mixed === undefined ? {} : { mixed: catalog.mixed }),
      });
    else if (options.quiet)
      await print(
        context,
        rows.flatMap(({ container }) => (container === null ? [] : `${container}\n`)).join(''),
      );
    else {
      const { terminal, style } = context;
      const mixed = catalog?.mixed === undefined ? [] : viewMixed(catalog.mixed, style);
      const trouble = viewTrouble(catalog?.certificates ?? [], style);
      const notes = [...mixed, ...trouble].map((line) => `${line}\n`).join('');
      await print(context, `${viewRows(rows, unreachable, terminal.now(), style)}${notes}`);
    }
    return failures.length > 0 ? EXIT.unreachable : EXIT.done;
  });
}
