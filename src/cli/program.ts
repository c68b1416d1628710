import { Command, CommanderError, Option } from 'commander';
import { SeawallError } from '../errors.ts';
import { nearestName } from '../names.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';
import { type Bind, contextOf } from './context.ts';
import { EXIT } from './exit-code.ts';
import { fitProse } from './fit-prose.ts';
import type { Terminal } from './terminal.ts';

/** Called with the exit code of the command that ran. */
export type OnExit = (code: number) => void;

/**
 * The command line. A command's options are read from its file only when it is called, so that help and errors come at
 * once.
 */
export function buildProgram(terminal: Terminal, signal: AbortSignal, onExit: OnExit): Command {
  const program = new Command('seawall');
  const fit = (text: string, { columns }: NodeJS.WriteStream) =>
    fitProse(text, program.createHelp(), columns);
  program
    .description('Makes of a Compose file and a list of servers a scaled, load-balanced deployment.')
    .enablePositionalOptions()
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: false, subcommandTerm: (command) => command.name() })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(fit(text, terminal.stdout)),
      writeErr: (text) => terminal.stderr.write(fit(text, terminal.stderr)),
      outputError: () => {},
    })
    .addHelpText('after', HELP_END);
  program.addOption(new Option('-V, --version', 'show the version')).on('option:version', () => {
    throw new CommanderError(0, 'seawall.version', '');
  });
  addGlobalOptions(program);
  for (const entry of COMMANDS) addEntry(program, entry);
  program.hook('preSubcommand', async (_program, command) => {
    const entry = COMMANDS.find(({ name }) => name === command.name());
    if (entry !== undefined) await defineCommand(command, entry, bindTo(terminal, signal, onExit));
  });
  return program;
}

/** Loads the command's file and gives the command its options. */
export async function defineCommand(
  command: Command,
  entry: CommandEntry,
  bind: (command: Command) => Bind,
): Promise<void> {
  const file = await entry.load();
  file.define(
    command,
    (run) =>
      function (this: Command, ...args: unknown[]) {
        return bind(this)(run).apply(this, args);
      },
  );
  for (const leaf of command.commands.length > 0 ? command.commands : [command]) addGlobalOptions(leaf);
}

function addEntry(program: Command, entry: CommandEntry): void {
  program
    .command(entry.name)
    .summary(entry.summary)
    .description(`${entry.summary.slice(0, 1).toUpperCase()}${entry.summary.slice(1)}.`)
    .aliases([...(entry.aliases ?? [])])
    .helpGroup(`${entry.group}:`)
    .helpCommand(false);
}

const bindTo =
  (terminal: Terminal, signal: AbortSignal, onExit: OnExit) =>
  (command: Command): Bind =>
  (run) =>
  async (...args) => {
    const context = contextOf(command, terminal, signal);
    // Commander appends the options and the command itself to the arguments.
    const own = args.slice(0, -2);
    onExit((await run(context, command.opts(), ...own)) ?? EXIT.done);
  };

/** Commands that start a program, whose own options follow the service. */
const STARTING = ['exec', 'run'];

/** The arguments without those of a program that `exec` or `run` starts. */
export function ownArguments(args: readonly string[], program: Command): readonly string[] {
  let command = program;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word.startsWith('-')) {
      const option = command.options.find(({ long, short }) => long === word || short === word);
      if (option?.required === true) at++;
    } else if (command !== program) return STARTING.includes(command.name()) ? args.slice(0, at) : args;
    else command = program.commands.find((each) => each.name() === word) ?? program;
  }
  return args;
}

/** Commander wants them before and after the command's name said separately. */
function addGlobalOptions(command: Command): void {
  const collect = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];
  const isRoot = command.parent === null;
  const options = [
    new Option(
      `${isRoot ? '-f, ' : ''}--file <file>`,
      'Compose file or seawall.yml; repeatable [env: SEAWALL_FILE]',
    ).argParser(collect),
    new Option('--profile <name>', 'activate a Compose profile; repeatable').argParser(collect),
    new Option('--host <name>', 'only this host; repeatable').argParser(collect),
    new Option('-y, --yes', 'answer every question with yes [env: SEAWALL_YES]'),
    new Option('--json', 'print one JSON value for programs'),
    new Option('--verbose', 'say more: causes of errors, every step'),
  ];
  command.addHelpOption(new Option('-h, --help', 'show this help').helpGroup(GLOBAL_GROUP));
  for (const option of options) {
    const taken = command.options.some((own) => own.long === option.long);
    if (!taken) command.addOption(option.helpGroup(GLOBAL_GROUP));
  }
}

/** Heading of the options that every command takes. */
export const GLOBAL_GROUP = 'Options of every command:';

const HELP_END = `
Start with:
  seawall check            are the files right?
  seawall plan             what would change?
  seawall deploy           change it

seawall COMMAND --help explains one command.`;

/** What a mistake on the command line means, with what was probably meant. */
export function usageError(error: CommanderError, program: Command): SeawallError {
  const written = /'([^']+)'/.exec(error.message)?.[1] ?? '';
  const called = program.args[0];
  const command = program.commands.find(
    (each) => each.name() === called || each.aliases().includes(called ?? ''),
  );
  const help = `seawall${command === undefined ? '' : ` ${command.name()}`} --help`;
  const message = error.message.replace(/^error: /, '').replace(/\n.*$/s, '');
  const candidates =
    error.code === 'commander.unknownCommand'
      ? (command ?? program).commands.flatMap((each) => [each.name(), ...each.aliases()])
      : [program, ...(command === undefined ? [] : [command, ...command.commands])].flatMap((each) =>
          each.options.flatMap(({ long }) => long ?? []),
        );
  const isName = error.code === 'commander.unknownCommand' || error.code === 'commander.unknownOption';
  const meant = isName ? nearestName(written, candidates) : undefined;
  const hint = meant === undefined ? `See ${help}` : `Did you mean ${meant}? See ${help}`;
  return new SeawallError('input', message, { hint, cause: error });
}
