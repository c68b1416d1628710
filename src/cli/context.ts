import type { Command } from 'commander';
import { type Style, styleFor } from '../style.ts';
import { hasColour, type Terminal } from './terminal.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly yes: boolean;
  readonly verbose: boolean;
  /** As written; empty: those found in the working directory. */
  readonly files: readonly string[];
  /** Empty: all. */
  readonly hosts: readonly string[];
  readonly profiles: readonly string[];
}

/** What a command runs with. */
export interface Context {
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** For standard output. */
  readonly style: Style;
}

/** A command's own part: gets its positional arguments and its own options, returns the exit code (0 when nothing). */
// biome-ignore lint/suspicious/noExplicitAny: commander passes arguments by position, each command knows its own.
export type Run = (context: Context, options: any, ...args: any[]) => Promise<number | undefined>;

/** Makes a command's run function the action that commander calls. */
export type Bind = (run: Run) => (...args: unknown[]) => Promise<void>;

/** What a command's file exports: it gives the command its arguments, options, examples and action. */
export interface CommandFile {
  define(command: Command, bind: Bind): void;
}

interface RawGlobals {
  readonly json?: boolean;
  readonly yes?: boolean;
  readonly verbose?: boolean;
  readonly file?: readonly string[];
  readonly host?: readonly string[];
  readonly profile?: readonly string[];
}

/** Global options as given before and after the command's name, and by the environment. */
export function globalOptions(command: Command, env: Terminal['env']): GlobalOptions {
  const levels: RawGlobals[] = [];
  for (let each: Command | null = command; each !== null; each = each.parent) levels.unshift(each.opts());
  const any = (key: 'json' | 'yes' | 'verbose') => levels.some((level) => level[key] === true);
  const all = (key: 'file' | 'host' | 'profile') => levels.flatMap((level) => level[key] ?? []);
  const files = all('file');
  return {
    json: any('json'),
    yes: any('yes') || isYes(env.SEAWALL_YES),
    verbose: any('verbose'),
    files: files.length > 0 ? files : (env.SEAWALL_FILE ?? '').split(':').filter((file) => file !== ''),
    hosts: all('host'),
    profiles: all('profile'),
  };
}

const isYes = (value: string | undefined): boolean => /^(1|true|yes|on)$/i.test(value ?? '');

/** The context of one call. */
export function contextOf(command: Command, terminal: Terminal, signal: AbortSignal): Context {
  const options = globalOptions(command, terminal.env);
  return { terminal, options, signal, style: styleFor(hasColour(terminal, terminal.stdout)) };
}
