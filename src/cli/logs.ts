import type { Command } from 'commander';
import { describeError, SeawallError } from '../errors.ts';
import type { HostLink } from '../hosts/index.ts';
import type { Bind, Context } from './context.ts';
import { EXIT } from './exit-code.ts';
import { LogMerger } from './log-merge.ts';
import type { LogEntry, LogFilter, OnUnkept, WantedLog } from './log-source.ts';
import { logPrinter, originName } from './log-view.ts';
import { parseCount, parseTime } from './option-values.ts';
import type { ProjectFiles } from './project.ts';
import { readProject, requireName, withHosts } from './project.ts';
import { hasColour, write } from './terminal.ts';

export function define(command: Command, bind: Bind): void {
  command
    .argument('[service...]', 'services, or replicas such as web-2 (default: all)')
    .option('-f, --follow', 'go on with new lines, of new replicas too')
    .option('-n, --tail <lines>', 'last lines of each replica (default: 100 with --follow, else all)')
    .option('--since <time>', 'lines since a time, or since so long ago: 10m, 2026-01-31T10:00:00Z')
    .option('-t, --timestamps', 'show when each line was written')
    .option('--no-prefix', 'only the lines themselves')
    .addHelpText(
      'after',
      `
Lines of all replicas on all hosts, in the order of their time. With --json one object per line.

Examples:
  seawall logs -f
  seawall logs web --since 10m
  seawall logs web-2 --host app1 -n 50`,
    )
    .action(bind(run));
}

interface Options {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly timestamps?: boolean;
  readonly prefix: boolean;
}

const FOLLOW_TAIL = 100;
/** Without --follow every log has an end: all are waited for, so that the order is right. */
const PATIENCE_OF_A_LISTING_MS = 60_000;

async function run(context: Context, options: Options, wanted: readonly string[]): Promise<number> {
  const { terminal, signal } = context;
  const project = await readProject(context);
  const filter = logFilter(project, wanted);
  const tail = options.tail === undefined ? undefined : parseCount('--tail', options.tail);
  const since = options.since === undefined ? undefined : parseTime('--since', options.since, terminal.now());
  const defaultTail = options.follow && since === undefined ? FOLLOW_TAIL : undefined;
  const lastLines = tail ?? defaultTail;
  const range = {
    ...(lastLines === undefined ? {} : { tail: lastLines }),
    ...(since === undefined ? {} : { since }),
  };
  return withHosts(context, project, async ({ links, failures }) => {
    if (!options.follow) for (const { name, error } of failures) trouble(context, name, error);
    const show = logPrinter({
      json: context.options.json,
      prefix: options.prefix,
      timestamps: options.timestamps ?? false,
      colour: hasColour(terminal, terminal.stdout),
      isTerminal: terminal.stdout.isTTY === true,
    });
    const merger = options.follow
      ? await followAll(context, project, links, filter, range)
      : await listAll(context, links, filter, range);
    for await (const entry of merger) await write(terminal.stdout, show(entry));
    // Ctrl-C is how following ends: nothing to report.
    if (signal.aborted) return EXIT.interrupted;
    return failures.length > 0 ? EXIT.unreachable : EXIT.done;
  });
}

/** `web`, or `web-2`; a service that is really called `web-2` wins. */
function logFilter({ desired }: ProjectFiles, words: readonly string[]): LogFilter {
  const names = Object.keys(desired.services);
  const wanted = words.map((word): WantedLog => {
    const [, service = '', number = ''] = /^(.+)-([1-9]\d*)$/.exec(word) ?? [];
    if (!names.includes(word) && names.includes(service)) return { service, replica: Number(number) };
    requireName('service', word, names);
    return { service: word };
  });
  return { project: desired.project, wanted };
}

type Range = { readonly tail?: number; readonly since?: number };

async function listAll(context: Context, links: readonly HostLink[], filter: LogFilter, range: Range) {
  const { signal } = context;
  const { containerLines, listLogContainers } = await import('./log-source.ts');
  const merger = new LogMerger<LogEntry>({ signal, patienceMs: PATIENCE_OF_A_LISTING_MS });
  const onUnkept = unkeptOnce(context);
  await Promise.all(
    links.map(async (link) => {
      for (const container of await listLogContainers(link, filter, signal))
        merger.add(containerLines(link, container, { ...range, signal }, onUnkept));
    }),
  );
  merger.seal();
  return merger;
}

async function followAll(
  context: Context,
  { config }: ProjectFiles,
  links: readonly HostLink[],
  filter: LogFilter,
  range: Range,
) {
  const { signal } = context;
  const [{ followHost }, { connectHost }] = await Promise.all([
    import('./log-source.ts'),
    import('../hosts/index.ts'),
  ]);
  const merger = new LogMerger<LogEntry>({ signal });
  const { hosts: wanted } = context.options;
  const onUnkept = unkeptOnce(context);
  for (const host of config.hosts.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    const link = links.find(({ name }) => name === host.name);
    void followHost(link, {
      filter,
      first: range,
      onLines: (lines) => merger.add(lines),
      onUnkept,
      onTrouble: (error) => trouble(context, host.name, error),
      reconnect: () => connectHost(host, { sshConfig: config.sshConfig, signal }),
      signal,
    });
  }
  return merger;
}

/** Says once of each container that there is nothing to read; it may be started again, or its host reached anew. */
function unkeptOnce({ terminal }: Context): OnUnkept {
  const told = new Set<string>();
  return (origin) => {
    const text = `${originName(origin)}: its logging driver keeps nothing to read\n`;
    if (told.has(text)) return;
    told.add(text);
    terminal.stderr.write(text);
  };
}

function trouble({ terminal, style }: Context, host: string, error: unknown): void {
  terminal.stderr.write(
    `${style('red', '✘')} ${host}: ${error instanceof SeawallError ? error.message : describeError(error)}\n`,
  );
}
