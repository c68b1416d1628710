import type { Command } from 'commander';
import type { LeaseRecord } from '../catalog/record.ts';
import { age } from './amounts.ts';
import { confirm } from './confirm.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { print, printJson } from './output.ts';
import { progressView } from './progress.ts';
import { readProject, withSession } from './project.ts';

export function define(command: Command, bind: Bind): void {
  command
    .command('status')
    .description('Show who changes the project at the moment.')
    .addHelpText(
      'after',
      `\nExits with ${EXIT.locked} when somebody does.\n\nExample:\n  seawall lock status`,
    )
    .action(bind((context) => withLease(context, (lease) => showLease(context, lease))));
  command
    .command('release')
    .description('Take the lock from its holder, whose command then stops.')
    .addHelpText(
      'after',
      `
A lock frees itself within half a minute when its holder dies: this is for a command that hangs. The state of a deploy that is
stopped in the middle is mixed until the next deploy or rollback.

Example:
  seawall lock release`,
    )
    .action(bind((context) => withLease(context, (lease) => releaseLease(context, lease))));
}

interface HeldLease {
  readonly project: string;
  readonly record?: LeaseRecord;
  /** Takes it away. */
  free(): Promise<void>;
}

async function withLease(context: Context, work: (lease: HeldLease) => Promise<number>): Promise<number> {
  const project = await readProject(context);
  return withSession(context, project, progressView(context), async (session) => {
    const [{ clusterOf }, { parseEntry }, { KEY }] = await Promise.all([
      import('../rollout/index.ts'),
      import('../catalog/index.ts'),
      import('../catalog/record.ts'),
    ]);
    const { client } = clusterOf(session);
    const { signal } = context;
    const name = project.desired.project;
    const { value: entry } = await client.kvGet(KEY.lease(name), { signal });
    const holder = entry?.session;
    if (entry === undefined || holder === undefined) return work({ project: name, free: async () => {} });
    return work({
      project: name,
      record: parseEntry<LeaseRecord>(entry),
      free: () => client.sessionDestroy(holder, { signal }),
    });
  });
}

async function showLease(context: Context, { project, record }: HeldLease): Promise<number> {
  if (context.options.json) await printJson(context, { project, locked: record !== undefined, ...record });
  else
    await print(
      context,
      record === undefined ? `Nobody changes ${project}.\n` : viewLease(context, project, record),
    );
  return record === undefined ? EXIT.done : EXIT.locked;
}

async function releaseLease(context: Context, { project, record, free }: HeldLease): Promise<number> {
  const { json } = context.options;
  if (record === undefined) {
    await (json
      ? printJson(context, { project, released: false })
      : print(context, `Nobody changes ${project}.\n`));
    return EXIT.done;
  }
  if (!json) await print(context, `${viewLease(context, project, record)}${DANGER}`);
  if (!(await confirm(context, { command: 'lock release', text: `Stop ${record.who}'s command?` }))) {
    await print(context, 'Nothing was changed.\n');
    return EXIT.interrupted;
  }
  await free();
  await (json
    ? printJson(context, { project, released: true })
    : print(context, 'The lock is free. See: seawall plan\n'));
  return EXIT.done;
}

const DANGER = `  Its command then stops where it is: replicas of two releases may be running until the next deploy or rollback. A lock whose
  holder died frees itself within half a minute; take it only from a command that hangs.
`;

function viewLease(
  { style, terminal }: Context,
  project: string,
  { who, from, since, command }: LeaseRecord,
): string {
  const ago = age(terminal.now() - Date.parse(since));
  return `${style('yellow', '!')} ${style('bold', project)} is locked by ${who} on ${from} since ${since} (${ago}): ${command}\n`;
}
