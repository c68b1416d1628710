import type { Progress, Report } from '../progress.ts';
import { styleFor } from '../style.ts';
import type { Context } from './context.ts';
import { endedLines, frameLines, lineText } from './progress-frame.ts';
import { type PlainOptions, PlainProgress } from './progress-plain.ts';
import { type StepNode, StepTree } from './progress-tree.ts';
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
  if (!isTerminal) return new PlainProgress({ put, style, now: terminal.now });
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
