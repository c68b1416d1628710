import type { Context } from './context.ts';
import { write } from './terminal.ts';

/** Prints a command's one JSON value. */
export function printJson(context: Pick<Context, 'terminal'>, value: unknown): Promise<void> {
  return write(context.terminal.stdout, `${JSON.stringify(value, undefined, 2)}\n`);
}

/** Prints text for people on standard output. */
export function print(context: Pick<Context, 'terminal'>, text: string): Promise<void> {
  return write(context.terminal.stdout, text);
}
