import type { KeyPath } from '../problems.ts';
import { COMPOSE_KEYS, type KeyRow } from './keys/index.ts';
import type { MapNode, Node } from './node.ts';

/** One key of a file that the table has a row for. */
export interface FoundKey {
  readonly row: KeyRow;
  readonly path: KeyPath;
}

interface Branch {
  row?: KeyRow;
  readonly next: Map<string, Branch>;
}

const ROOT: Branch = { next: new Map() };
for (const row of COMPOSE_KEYS) {
  let branch = ROOT;
  for (const part of row.key.split('.')) {
    const next: Branch = branch.next.get(part) ?? { next: new Map() };
    branch.next.set(part, next);
    branch = next;
  }
  branch.row = row;
}

/** Every key of the model that has the status; nothing below a key that was found. */
export function findKeys(root: MapNode, status: KeyRow['status']): readonly FoundKey[] {
  const found: FoundKey[] = [];
  const visit = (node: Node, branch: Branch, path: KeyPath): void => {
    const children: readonly (readonly [string | number, Node])[] =
      node.kind === 'map'
        ? [...node.entries].map(([key, { value }]) => [key, value] as const)
        : node.kind === 'list'
          ? node.items.map((item, index) => [index, item] as const)
          : [];
    for (const [key, value] of children) {
      const next = branch.next.get('*') ?? (typeof key === 'string' ? branch.next.get(key) : undefined);
      if (next === undefined) continue;
      if (next.row?.status === status) found.push({ row: next.row, path: [...path, key] });
      else visit(value, next, [...path, key]);
    }
  };
  visit(root, ROOT, []);
  return found;
}
