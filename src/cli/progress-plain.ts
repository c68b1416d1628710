import type { Progress } from '../progress.ts';
import type { Style } from '../style.ts';
import { seconds } from './amounts.ts';
import type { ProgressView } from './progress.ts';
import { lineText, outcomeSymbol } from './progress-frame.ts';
import { type StepNode, StepTree } from './progress-tree.ts';
import { cut, printable } from './table.ts';

export interface PlainOptions {
  put(text: string): void;
  readonly style: Style;
  /** Milliseconds. */
  now(): number;
}

/** Who reads a log wonders after about this long whether anything happens. */
const FIRST_SIGN_MS = 15_000;
const NEXT_SIGN_MS = 30_000;
const LOOK_MS = 1000;
/** Of the note of a sign: what fails in the end is told in full. */
const SIGN_COLUMNS = 80;

/**
 * One line per step that ended, such as `host1 ✔ start web-3 (2.1 s)`; those that concern no single host also say when they
 * begin. What takes long says now and then what it waits for.
 */
export class PlainProgress implements ProgressView {
  readonly #options: PlainOptions;
  readonly #tree = new StepTree();
  readonly #signAt = new WeakMap<StepNode, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PlainOptions) {
    this.#options = options;
  }

  readonly report = (event: Progress): void => {
    const { put, style, now } = this.#options;
    this.#timer ??= setInterval(() => this.signs(), LOOK_MS).unref();
    if (event.kind === 'line') {
      put(lineText(event, style));
      return;
    }
    const node = this.#tree.apply(event, now());
    if (node === undefined) return;
    const isHeading = node.parent === undefined && node.host === undefined;
    if (event.kind === 'begin' && isHeading) put(`… ${printable(node.title)}\n`);
    if (event.kind !== 'end') return;
    this.#say(outcomeSymbol(node.outcome, style), node);
    if (node.parent === undefined) this.#tree.remove(node);
  };

  /** Says what runs for long; the timer does it, tests may. */
  signs(): void {
    const now = this.#options.now();
    const running = runningLeaves(this.#tree.roots);
    // A heading alone says nothing that the steps under other headings do not say better.
    const telling = running.filter((node) => node.parent !== undefined || node.note !== '');
    for (const node of telling.length > 0 ? telling : running) {
      if (now < (this.#signAt.get(node) ?? node.startedAt + FIRST_SIGN_MS)) continue;
      this.#signAt.set(node, now + NEXT_SIGN_MS);
      this.#say('…', node, SIGN_COLUMNS);
    }
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.pause();
  }

  #say(symbol: string, node: StepNode, columns = Number.POSITIVE_INFINITY): void {
    const host = node.host === undefined ? '' : `${node.host} `;
    const note = node.note === '' ? '' : `: ${cut(printable(node.note), columns)}`;
    const time = seconds((node.endedAt ?? this.#options.now()) - node.startedAt);
    this.#options.put(`${host}${symbol} ${printable(node.title)}${note} (${time})\n`);
  }
}

/** Steps that run and in which no other one does: those that something is waited for in. */
function runningLeaves(nodes: readonly StepNode[]): readonly StepNode[] {
  return nodes.flatMap((node) => {
    if (node.outcome !== 'running') return [];
    const inside = runningLeaves(node.children);
    return inside.length > 0 ? inside : [node];
  });
}
