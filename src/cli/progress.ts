import type { Progress, Report } from '../progress.ts';
import { type Style, styleFor } from '../style.ts';
import { seconds } from './amounts.ts';
import type { Context } from './context.ts';
import { endedLines, frameLines, outcomeSymbol } from './progress-frame.ts';
import { type StepNode, StepTree } from './progress-tree.ts';
import { printable } from './table.ts';
import { hasColour } from './terminal.ts';

/** Shows progress until it is closed. */
export interface ProgressView {
  readonly report: Report;
  /** Takes what moves off the screen, so that a question or a result can be written. Reports show it again. */
  pause(): void;
  /** Leaves the last state on the screen. Safe to repeat. */
  close(): void;
}

/** The view that fits: a tree on a terminal, lines elsewhere, JSON lines with `--json --verbose`, nothing with `--json`. */
export function progressView({ terminal, options }: Pick<Context, 'terminal' | 'options'>): ProgressView {
  const { stderr } = terminal;
  const put = (text: string) => void stderr.write(text);
  if (options.json) return jsonProgress(options.verbose ? put : () => {});
  const style = styleFor(hasColour(terminal, stderr));
  const isTerminal = stderr.isTTY === true && terminal.env.TERM !== 'dumb';
  if (!isTerminal) return plainProgress({ put, style, now: terminal.now });
  return new TreeProgress({
    put,
    style,
    now: terminal.now,
    size: () => ({ columns: stderr.columns || 80, rows: stderr.rows || 24 }),
  });
}

/** One JSON object per event. */
function jsonProgress(put: (text: string) => void): ProgressView {
  return { report: (event) => put(`${JSON.stringify(event)}\n`), pause() {}, close() {} };
}

export interface PlainOptions {
  put(text: string): void;
  readonly style: Style;
  now(): number;
}

/** One line per step that ended, such as `host1 ✔ start web-3 (2.1 s)`; those that concern no single host also say when they begin. */
export function plainProgress({ put, style, now }: PlainOptions): ProgressView {
  const tree = new StepTree();
  const report = (event: Progress): void => {
    if (event.kind === 'line') {
      put(lineText(event, style));
      return;
    }
    const node = tree.apply(event, now());
    if (node === undefined) return;
    const host = node.host === undefined ? '' : `${node.host} `;
    const isHeading = node.parent === undefined && node.host === undefined;
    if (event.kind === 'begin' && isHeading) put(`… ${printable(node.title)}\n`);
    if (event.kind !== 'end') return;
    const note = node.note === '' ? '' : `: ${printable(node.note)}`;
    const time = seconds((node.endedAt ?? now()) - node.startedAt);
    put(`${host}${outcomeSymbol(node.outcome, style)} ${printable(node.title)}${note} (${time})\n`);
    if (node.parent === undefined) tree.remove(node);
  };
  return { report, pause() {}, close() {} };
}

export interface TreeOptions extends PlainOptions {
  size(): { readonly columns: number; readonly rows: number };
}

const REDRAW_MS = 100;
/** Begin and end of one synchronised update, which terminals that do not know it ignore (private mode 2026). */
const SYNC = ['\u001b[?2026h', '\u001b[?2026l'] as const;
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** The step tree on a terminal: what runs moves at the bottom, what ended stays above. */
export class TreeProgress implements ProgressView {
  readonly #options: TreeOptions;
  readonly #tree = new StepTree();
  #drawn: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  readonly report = (event: Progress): void => {
    const { now, style } = this.#options;
    if (event.kind === 'line') {
      this.#above(lineText(event, style));
      return;
    }
    const node = this.#tree.apply(event, now());
    if (node?.parent === undefined && event.kind === 'end' && node) this.#finish(node);
    this.#timer ??= this.#start();
  };

  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#drawn.length > 0) this.#options.put(`${this.#erase()}${SHOW_CURSOR}`);
    this.#drawn = [];
  }

  close(): void {
    this.pause();
    for (const root of [...this.#tree.roots]) this.#finish(root);
    this.pause();
  }

  /** Draws the present state; the timer does it, tests may. */
  draw(above = ''): void {
    const { now, style, size, put } = this.#options;
    const { columns, rows } = size();
    const lines = frameLines(this.#tree.roots, { columns, style, now: now() });
    const shown = fit(lines, Math.max(1, rows - 2));
    const text = shown.map((line) => `${line}\n`).join('');
    put(`${SYNC[0]}${HIDE_CURSOR}${this.#erase()}${above}${text}${SYNC[1]}`);
    this.#drawn = shown;
  }

  #start(): NodeJS.Timeout {
    this.draw();
    return setInterval(() => this.draw(), REDRAW_MS).unref();
  }

  #finish(root: StepNode): void {
    const { now, style, size } = this.#options;
    this.#tree.remove(root);
    const lines = endedLines(root, { columns: size().columns, style, now: now() });
    this.#above(lines.map((line) => `${line}\n`).join(''));
  }

  #above(text: string): void {
    this.draw(text);
  }

  #erase(): string {
    return this.#drawn.length === 0 ? '' : `\u001b[${this.#drawn.length}F\u001b[J`;
  }
}

/** More lines than the terminal has rows cannot be redrawn: the middle is left out. */
function fit(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const tail = lines.slice(lines.length - rows + 1);
  return [`  … ${lines.length - tail.length} more`, ...tail];
}

function lineText({ text, from }: Extract<Progress, { kind: 'line' }>, style: Style): string {
  const prefix = from === undefined ? '' : style('dim', `${from} | `);
  return text
    .split('\n')
    .map((line) => `${prefix}${printable(line)}\n`)
    .join('');
}
