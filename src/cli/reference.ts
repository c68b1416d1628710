import type { Command } from 'commander';
import { COMMANDS } from './commands.ts';
import type { Bind } from './context.ts';
import { buildProgram, defineCommand, GLOBAL_GROUP } from './program.ts';
import { processTerminal } from './terminal.ts';

/** The reference page of the command line as Markdown, from what the commands themselves define. */
export async function renderCliReference(): Promise<string> {
  const program = buildProgram(processTerminal(), new AbortController().signal, () => {});
  const bind: Bind = () => async () => {};
  const parts = [
    '# Command line',
    'Written by `npm run docs` from the definitions in `src/cli`: change those, not this page.',
    '## Options of every command',
    optionTable(program, (group) => group === GLOBAL_GROUP),
    EXIT_CODES,
  ];
  for (const entry of COMMANDS) {
    const command = program.commands.find((each) => each.name() === entry.name);
    if (command === undefined) continue;
    await defineCommand(command, entry, () => bind);
    parts.push(...commandParts(command));
    for (const inner of command.commands) parts.push(...commandParts(inner));
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function commandParts(command: Command): string[] {
  const names: string[] = [];
  for (let each: Command | null = command; each !== null; each = each.parent) names.unshift(each.name());
  const title = names.join(' ');
  if (command.commands.length > 0) {
    const list = command.commands.map((inner) => `- \`${title} ${inner.name()}\`: ${inner.description()}`);
    return [`## ${title}`, command.description(), list.join('\n')];
  }
  const usage = command.usage().replace(/^\[options\] ?/, '');
  const aliases =
    command.aliases().length === 0 ? '' : `Also: \`seawall ${command.aliases().join('`, `seawall ')}\`.`;
  return [
    `## ${title}`,
    command.description(),
    `\`\`\`\n${title} [options]${usage === '' ? '' : ` ${usage}`}\n\`\`\``,
    aliases,
    argumentTable(command),
    optionTable(command, (group) => group !== GLOBAL_GROUP),
    ...afterText(command),
  ];
}

function argumentTable(command: Command): string {
  const rows = command.registeredArguments.map((argument) => {
    const { required, variadic, description } = argument;
    const word = `${argument.name()}${variadic ? '...' : ''}`;
    return [`\`${required ? `<${word}>` : `[${word}]`}\``, description];
  });
  return markdownTable(['argument', 'meaning'], rows);
}

function optionTable(command: Command, isWanted: (group: string | undefined) => boolean): string {
  const rows = command.options
    .filter(({ helpGroupHeading, hidden }) => !hidden && isWanted(helpGroupHeading))
    .map(({ flags, description }) => [`\`${flags}\``, description]);
  return markdownTable(['option', 'meaning'], rows);
}

/** The text that `--help` shows below the options: sentences, and examples that are indented. */
function afterText(command: Command): string[] {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  // What a command adds stands after the last of the options of every command.
  const [, after = ''] = /^ {2}-h, --help .*?\n\n(.*)$/ms.exec(text) ?? [];
  const [sentences = '', examples = ''] = after.split(/^Examples?:\n/m);
  const lines = examples.split('\n').map((line) => line.replace(/^ {2}/, ''));
  const commands = lines.join('\n').trim();
  const prose = sentences.trim().replaceAll(/\s*\n\s*/g, ' ');
  return [prose, commands === '' ? '' : `\`\`\`sh\n${commands}\n\`\`\``];
}

function markdownTable(
  heading: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly (string | undefined)[]) =>
    `| ${cells.map((cell) => (cell ?? '').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heading), `|${' --- |'.repeat(heading.length)}`, ...rows.map(line)].join('\n');
}

const EXIT_CODES = `## Exit codes

| code | meaning |
| --- | --- |
| 0 | done, or nothing to do |
| 1 | failed; what served before serves now |
| 2 | the files or the arguments are wrong, a saved plan is stale, or the state of the hosts forbids it: nothing was changed |
| 3 | \`plan --exit-code\`: there are changes |
| 4 | somebody else holds the lock |
| 5 | a host, its Docker or the catalog cannot be reached |
| 6 | failed and not rolled back: replicas of two releases may be running |
| 125 | \`run\` and \`exec\`: Seawall itself failed; any other code is the program's own |
| 130 | interrupted, or a question was answered with no |`;
