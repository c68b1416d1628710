import { nearestName } from '../../names.ts';
import type { Problem } from '../../problems.ts';
import type { MapNode, Node } from '../node.ts';
import { child } from '../node.ts';

/** One pass over a model. */
export interface Check {
  readonly root: MapNode;
  readonly names: readonly string[];
  /** Services outside the active profiles. */
  readonly disabled: ReadonlySet<string>;
  readonly problems: Problem[];
}

export function entries(node: Node | undefined): readonly [string, Node][] {
  return node?.kind === 'map' ? [...node.entries].map(([key, entry]) => [key, entry.value]) : [];
}

export const items = (node: Node | undefined): readonly Node[] => (node?.kind === 'list' ? node.items : []);

export function guess(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}

export function deep(node: Node | undefined, path: readonly string[]): Node | undefined {
  return path.reduce<Node | undefined>((current, key) => child(current, key), node);
}
