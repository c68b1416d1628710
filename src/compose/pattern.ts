import type { KeyPath } from '../problems.ts';
import { list, type MapNode, mapValues, type Node } from './node.ts';

/** A rule for every path that a pattern such as `services.*.ports` matches; `*` is one key or index. */
export type PatternTable<Rule> = ReadonlyArray<readonly [pattern: readonly string[], rule: Rule]>;

export function patternTable<Rule>(rules: Readonly<Record<string, Rule>>): PatternTable<Rule> {
  return Object.entries(rules).map(([pattern, rule]) => [pattern.split('.'), rule] as const);
}

/** The rule of the first pattern that matches the whole path. */
export function ruleAt<Rule>(table: PatternTable<Rule>, path: KeyPath): Rule | undefined {
  for (const [pattern, rule] of table) {
    if (
      pattern.length === path.length &&
      pattern.every((part, index) => part === '*' || part === path[index])
    )
      return rule;
  }
  return undefined;
}

/** Applies the rules from the root down; what a rule returns is not walked again below its path, unless `deep`. */
export function rewrite(
  node: Node,
  table: PatternTable<(node: Node, path: KeyPath) => Node | undefined>,
  path: KeyPath = [],
): Node {
  return rewriteAt(node, table, path) ?? node;
}

function rewriteAt(node: Node, table: Parameters<typeof rewrite>[1], path: KeyPath): Node | undefined {
  const rule = ruleAt(table, path);
  const own = rule === undefined ? node : rule(node, path);
  if (own === undefined) return undefined;
  if (own.kind === 'map') return mapValues(own, (value, key) => rewriteAt(value, table, [...path, key]));
  if (own.kind !== 'list') return own;
  const items = own.items.map((item, index) => rewriteAt(item, table, [...path, index]));
  return list(
    items.filter((item) => item !== undefined),
    own.place,
  );
}

/** Calls `visit` for every node of a tree, from the root down. */
export function walk(node: Node, visit: (node: Node, path: KeyPath) => void, path: KeyPath = []): void {
  visit(node, path);
  if (node.kind === 'map') for (const [key, { value }] of node.entries) walk(value, visit, [...path, key]);
  if (node.kind !== 'list') return;
  for (const [index, item] of node.items.entries()) walk(item, visit, [...path, index]);
}

/** The tree without what stands at paths that a pattern list names (what `!reset` and `!override` drop). */
export function withoutPaths(root: MapNode, dropped: readonly KeyPath[]): MapNode {
  if (dropped.length === 0) return root;
  const isDropped = (path: KeyPath) =>
    dropped.some((drop) => drop.length === path.length && drop.every((part, index) => part === path[index]));
  const strip = (node: Node, path: KeyPath): Node => {
    if (node.kind !== 'map') return node;
    return mapValues(node, (value, key) => {
      const next = [...path, key];
      return isDropped(next) ? undefined : strip(value, next);
    });
  };
  return strip(root, []) as MapNode;
}
