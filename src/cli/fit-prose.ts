import type { Help } from 'commander';

/** Longer lines are tiring to read. */
const WIDEST = 100;
/** What commander takes for a stream that is no terminal. */
const UNKNOWN_WIDTH = 80;

/** Help with its sentences fitted to the screen. Lines that begin with a space (options, examples) stay as they are. */
export function fitProse(text: string, help: Pick<Help, 'boxWrap'>, columns = UNKNOWN_WIDTH): string {
  const width = Math.min(columns, WIDEST);
  return text.replaceAll(/^\S.*(?:\n\S.*)*$/gm, (paragraph) =>
    help.boxWrap(paragraph.replaceAll('\n', ' '), width),
  );
}
