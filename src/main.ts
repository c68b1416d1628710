import { CommanderError } from 'commander';
import {
  buildProgram,
  EXIT,
  errorExitCode,
  errorJson,
  globalOptions,
  hasColour,
  ownArguments,
  processTerminal,
  renderError,
  usageError,
  versionText,
  write,
} from './cli/index.ts';
import { SeawallError } from './errors.ts';
import { styleFor } from './style.ts';

const STOPPING_AFTER_MS = 300;
const UNIX_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Commands that hold a project's lock while they change what runs. */
const CHANGING = ['deploy', 'up', 'scale', 'rollback', 'down'];
const LEFT_AS_IT_IS = `
Stopped where it stood: what runs stays as it is now, perhaps replicas of two releases. The lock frees itself within half a
minute. See what runs: seawall ps. Finish the work: seawall deploy --lock-wait
`;

async function main(argv: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  const interruption = interrupt(() => program.args[0]);
  let code: number = EXIT.done;
  const program = buildProgram(terminal, interruption.signal, (exit) => {
    code = exit;
  });
  showUncaught(() => ownArguments(argv, program).includes('--verbose'));
  if (argv.length === 0) {
    program.outputHelp({ error: true });
    return EXIT.input;
  }
  // `help deploy` is the same as `deploy --help`, whose file has to be loaded first.
  const args = argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (thrown) {
    if (interruption.isReaderGone()) return EXIT.done;
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return showVersion(thrown);
    // The help was shown because a subcommand is missing.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return EXIT.input;
    const isMisuse = thrown instanceof CommanderError;
    const error = isMisuse ? usageError(thrown, program) : interruption.explain(thrown);
    const isOwnFailure = ['run', 'exec'].includes(program.args[0] ?? '');
    const own = ownArguments(args, program);
    const wantsJson = globalOptions(program, terminal.env).json || own.includes('--json');
    const isVerbose = own.includes('--verbose');
    if (wantsJson) await write(terminal.stdout, `${JSON.stringify(errorJson(error), undefined, 2)}\n`);
    const colour = hasColour(terminal, terminal.stderr);
    const screen = { style: styleFor(colour), colour, verbose: isVerbose };
    if (!wantsJson) await write(terminal.stderr, renderError(error, screen));
    const exit = errorExitCode(error);
    return isOwnFailure && exit !== EXIT.interrupted ? EXIT.ownFailure : exit;
  }
}

async function showVersion(thrown: CommanderError): Promise<number> {
  if (thrown.code !== 'seawall.version') return EXIT.done;
  await write(process.stdout, versionText());
  return EXIT.done;
}

interface Interruption {
  readonly signal: AbortSignal;
  explain(error: unknown): unknown;
  isReaderGone(): boolean;
}

/** The first signal asks the command to stop in order; the second one ends the process at once. */
function interrupt(command: () => string | undefined): Interruption {
  const controller = new AbortController();
  for (const name of UNIX_SIGNALS) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        if (CHANGING.includes(command() ?? '')) process.stderr.write(LEFT_AS_IT_IS);
        process.exit(EXIT.interrupted);
      }
      // What stops at once needs no explanation.
      setTimeout(
        () => process.stderr.write('\nStopping in order. Ctrl-C again: at once.\n'),
        STOPPING_AFTER_MS,
      ).unref();
      controller.abort(new SeawallError('interrupted', `interrupted (${name})`));
    });
  }
  let isReaderGone = false;
  // A reader that has seen enough (`seawall logs -f | head -1`) is no failure, and ends what only writes; not a deploy.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (!['logs', 'run', 'exec'].includes(command() ?? '')) return;
      isReaderGone = true;
      controller.abort(new SeawallError('interrupted', 'nobody reads the output any more'));
    });
  }
  const explain = (error: unknown) => {
    if (!controller.signal.aborted || (error instanceof SeawallError && error.code !== 'bug')) return error;
    return new SeawallError('interrupted', 'interrupted', { cause: error });
  };
  return { signal: controller.signal, explain, isReaderGone: () => isReaderGone };
}

/** However the process ends, the cursor that the step tree hides comes back. */
process.on('exit', () => {
  if (process.stderr.isTTY) process.stderr.write('\u001b[?25h');
});

/** What nobody waited for is a fault all the same, and is shown like one. */
function showUncaught(isVerbose: () => boolean): void {
  process.on('uncaughtException', (error) => {
    const colour = hasColour(process, process.stderr);
    process.stderr.write(renderError(error, { style: styleFor(colour), colour, verbose: isVerbose() }));
    process.exit(errorExitCode(error));
  });
}

const code = await main(process.argv.slice(2));
// Sockets of hosts that no longer answer must not hold the process.
process.exit(code);
