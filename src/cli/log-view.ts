import { stripVTControlCharacters } from 'node:util';
import { type Format, styleFor } from '../style.ts';
import type { LogEntry, LogOrigin } from './log-source.ts';

export interface LogViewOptions {
  /** One JSON object per line. */
  readonly json: boolean;
  readonly prefix: boolean;
  readonly timestamps: boolean;
  readonly colour: boolean;
  /** Somebody looks at a screen, with colours or without. */
  readonly isTerminal: boolean;
}

const COLOURS: readonly Format[] = [
  'cyan',
  'yellow',
  'green',
  'magenta',
  'blue',
  'cyanBright',
  'yellowBright',
  'greenBright',
  'magentaBright',
];

/** A function that makes text of entries: `web-2 app1 | line`, a colour per replica, columns that grow as needed. */
export function logPrinter({
  json,
  prefix,
  timestamps,
  colour,
  isTerminal,
}: LogViewOptions): (entry: LogEntry) => string {
  if (json) return (entry) => `${JSON.stringify(entry)}\n`;
  const style = styleFor(colour);
  const shown = colour ? onlyColours : isTerminal ? clean : (line: string) => line;
  const colours = new Map<string, Format>();
  let width = 0;
  return (entry) => {
    const label = `${originName(entry)} ${entry.host}`;
    width = Math.max(width, label.length);
    const format = colours.get(label) ?? COLOURS[colours.size % COLOURS.length] ?? 'cyan';
    colours.set(label, format);
    const bar = style(entry.stream === 'stderr' ? 'red' : format, '|');
    const head = prefix ? `${style(format, label.padEnd(width))} ${bar} ` : '';
    const time = timestamps ? `${style('dim', entry.time)} ` : '';
    return `${head}${time}${shown(entry.line)}\n`;
  };
}

/** What people call the container of a line: `web-2`; tasks and one-off containers by their own name. */
export const originName = ({ service, replica, container }: LogOrigin): string =>
  replica === 0 ? container : `${service}-${replica}`;

/** A log line may colour itself, and nothing else: it must not move the cursor or rename the window. Ends colours. */
function onlyColours(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
  const parts = line.split(/(\u001b\[[0-9;:]*m)/);
  if (parts.length === 1) return clean(line);
  return `${parts.map((part, index) => (index % 2 === 1 ? part : clean(part))).join('')}\u001b[0m`;
}

const clean = (text: string): string => stripVTControlCharacters(text).replaceAll(/(?!\t)\p{Cc}/gu, '');
