import type { Command } from 'commander';
import type { ReleaseRecord } from '../catalog/record.ts';
import { age, seconds } from './amounts.ts';
import type { Bind, Context } from './context.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { readProject, withSession } from './project.ts';
import { table } from './table.ts';

export function define(command: Command, bind: Bind): void {
  command
    .addHelpText('after', '\nExample:\n  seawall releases    then: seawall rollback NUMBER')
    .action(bind(run));
}

async function run(context: Context): Promise<undefined> {
  const project = await readProject(context);
  const releases = await withSession(context, project, progressView(context), async (session) => {
    const { listReleases } = await import('../rollout/index.ts');
    return listReleases(session);
  });
  if (context.options.json) {
    await printJson(
      context,
      releases.map(({ sealed: _sealed, ...release }) => release),
    );
  } else await print(context, viewReleases(releases, context));
}

/** Newest first. */
function viewReleases(releases: readonly ReleaseRecord[], { style, terminal }: Context): string {
  if (releases.length === 0) return 'Nothing has been deployed yet: seawall deploy\n';
  const newestFirst = releases.toSorted((a, b) => b.number - a.number);
  const inForce = newestFirst.find(({ status }) => status === 'good');
  const rows = newestFirst.map((release) => {
    const { number, createdAt, endedAt, who, status, note, tasks, problem } = release;
    const state =
      release === inForce
        ? style('green', 'serves')
        : status === 'failed' || status === 'mixed'
          ? style('red', status)
          : status;
    const took = endedAt === undefined ? '' : seconds(Date.parse(endedAt) - Date.parse(createdAt));
    const ran = tasks.length === 0 ? '' : `ran ${tasks.join(', ')}`;
    const since = `${age(terminal.now() - Date.parse(createdAt))} ago`;
    return [
      String(number),
      state,
      since,
      took,
      who,
      [note, ran, problem ?? ''].filter((text) => text !== '').join('; '),
    ];
  });
  const heading = ['RELEASE', 'STATE', 'BEGUN', 'TOOK', 'BY', 'NOTE'].map((text) => style('dim', text));
  return `${table([heading, ...rows])}\n`;
}
