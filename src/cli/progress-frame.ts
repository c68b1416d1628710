import type { Progress } from '../progress.ts';
import type { Style } from '../style.ts';
import { seconds } from './amounts.ts';
import type { StepNode } from './progress-tree.ts';
import { cut, printable } from './table.ts';

export interface FrameOptions {
  readonly columns: number;
  readonly style: Style;
  /** Milliseconds; also turns the spinner. */
  readonly now: number;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const TURN_MS = 100;

/** The lines of some steps: sorted by host at every level, the host named once, times at the right. */
export function frameLines(nodes: readonly StepNode[], options: FrameOptions): string[] {
  return levelLines(nodes, 0, options);
}

/** The same for a root that has ended: its own steps and whatever failed; the rest was only of interest while it ran. */
export function endedLines(root: StepNode, options: FrameOptions): string[] {
  const prune = (node: StepNode, depth: number): StepNode => ({
    ...node,
    children: node.children
      .filter((child) => depth < 1 || child.outcome === 'failed' || child.outcome === 'running')
      .map((child) => prune(child, depth + 1)),
  });
  return levelLines([prune(root, 0)], 0, options);
}

function levelLines(nodes: readonly StepNode[], indent: number, options: FrameOptions): string[] {
  const shownHost = ({ host, parent }: StepNode) => (host !== undefined && host !== parent?.host ? host : '');
  const byHost = Map.groupBy(nodes, shownHost);
  const width = Math.max(...nodes.map((node) => shownHost(node).length));
  const hosts = [...byHost.keys()].sort();
  return hosts.flatMap((host) =>
    (byHost.get(host) ?? []).flatMap((node, index) => {
      const label = width === 0 ? '' : `${(index === 0 ? host : '').padEnd(width)}  `;
      const deeper = indent + label.length + 2;
      return [stepLine(node, indent, label, options), ...levelLines(node.children, deeper, options)];
    }),
  );
}

function stepLine(
  node: StepNode,
  indent: number,
  label: string,
  { columns, style, now }: FrameOptions,
): string {
  const time = seconds((node.endedAt ?? now) - node.startedAt);
  const isRunning = node.outcome === 'running';
  const symbol = isRunning
    ? style('cyan', SPINNER[Math.floor(now / TURN_MS) % SPINNER.length] ?? '·')
    : outcomeSymbol(node.outcome, style);
  // One column stays free: a full line makes some terminals wrap.
  const room = Math.max(0, columns - 1 - indent - label.length - 2 - time.length - 2);
  const said = node.note === '' ? '' : `  ${printable(node.note)}`;
  // Of two that do not fit together the note keeps up to half the line: it is what changes.
  const title = cut(printable(node.title), Math.max(room - [...said].length, Math.ceil(room / 2)));
  const note = cut(said, room - [...title].length);
  const gap = ' '.repeat(Math.max(0, room - [...title].length - [...note].length) + 2);
  return `${' '.repeat(indent)}${style('bold', label)}${symbol} ${title}${style('dim', note)}${gap}${style('dim', time)}`;
}

/** ✔ done, ✘ failed, – left out. */
export function outcomeSymbol(outcome: StepNode['outcome'], style: Style): string {
  if (outcome === 'failed') return style('red', '✘');
  return outcome === 'done' ? style('green', '✔') : style('dim', '–');
}

/** A line that stays, with who said it before each of its lines. */
export function lineText({ text, from }: Extract<Progress, { kind: 'line' }>, style: Style): string {
  const prefix = from === undefined ? '' : style('dim', `${from} | `);
  return text
    .split('\n')
    .map((line) => `${prefix}${printable(line)}\n`)
    .join('');
}
