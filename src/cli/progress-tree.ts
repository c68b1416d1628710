import type { Progress } from '../progress.ts';

/** One step of running work and the steps inside it. */
export interface StepNode {
  readonly id: string;
  readonly title: string;
  readonly host: string | undefined;
  readonly parent: StepNode | undefined;
  readonly children: StepNode[];
  /** Milliseconds of the caller's clock. */
  readonly startedAt: number;
  endedAt: number | undefined;
  outcome: 'running' | 'done' | 'failed' | 'skipped';
  /** The last note, or what was said at the end. */
  note: string;
}

/** The steps known so far, in the order in which they began. */
export class StepTree {
  readonly roots: StepNode[] = [];
  readonly #byId = new Map<string, StepNode>();

  /** Takes an event in. @returns the step it was about; undefined for lines and for steps that are not known. */
  apply(event: Progress, now: number): StepNode | undefined {
    if (event.kind === 'line') return undefined;
    if (event.kind === 'begin') return this.#begin(event, now);
    const node = this.#byId.get(event.id);
    if (node === undefined || node.outcome !== 'running') return undefined;
    if (event.kind === 'note') node.note = event.text;
    else {
      node.outcome = event.outcome;
      node.endedAt = now;
      node.note = event.text ?? '';
    }
    return node;
  }

  /** Forgets a root and everything in it. */
  remove(root: StepNode): void {
    const at = this.roots.indexOf(root);
    if (at !== -1) this.roots.splice(at, 1);
    const forget = (node: StepNode): void => {
      if (this.#byId.get(node.id) === node) this.#byId.delete(node.id);
      node.children.forEach(forget);
    };
    forget(root);
  }

  #begin(event: Extract<Progress, { kind: 'begin' }>, now: number): StepNode {
    const parent = event.parent === undefined ? undefined : this.#byId.get(event.parent);
    const node: StepNode = {
      id: event.id,
      title: event.title,
      host: event.host ?? parent?.host,
      parent,
      children: [],
      startedAt: now,
      endedAt: undefined,
      outcome: 'running',
      note: '',
    };
    (parent?.children ?? this.roots).push(node);
    this.#byId.set(event.id, node);
    return node;
  }
}
