import type { KeyPath, Place } from '../problems.ts';

/** A YAML value that knows where it was written. Never changed in place: every stage returns new nodes. */
export type Node = ScalarNode | MapNode | ListNode;

export type Scalar = string | number | boolean | null;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: Scalar;
  readonly place: Place;
  /** A number as Docker Compose shows it as text, where the value does not tell: `1e6`, or more digits than it holds. */
  readonly shown?: string;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly place: Place;
}

export interface Entry {
  /** Where the key stands. */
  readonly key: Place;
  readonly value: Node;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly place: Place;
}

/** Plain JSON, as `docker compose config --format json` prints it. */
export type Json = Scalar | readonly Json[] | { readonly [key: string]: Json };

export const scalar = (value: Scalar, place: Place): ScalarNode => ({ kind: 'scalar', value, place });

export const list = (items: readonly Node[], place: Place): ListNode => ({ kind: 'list', items, place });

export const map = (entries: Iterable<readonly [string, Entry]>, place: Place): MapNode => ({
  kind: 'map',
  entries: new Map(entries),
  place,
});

/** A map of values that were written together: key and value stand at `place`. */
export function mapOf(values: Readonly<Record<string, Node | Scalar | undefined>>, place: Place): MapNode {
  const entries: [string, Entry][] = [];
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const node = typeof value === 'object' && value !== null ? value : scalar(value, place);
    entries.push([key, { key: place, value: node }]);
  }
  return map(entries, place);
}

export function isNull(node: Node | undefined): boolean {
  return node === undefined || (node.kind === 'scalar' && node.value === null);
}

/** Value of a key, when the node is a map that has it. */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
}

/** The string that a node is, if it is one. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}

/** The map with one key set, in its old place or at the end. */
export function withKey(node: MapNode, key: string, value: Node): MapNode {
  const entries = new Map(node.entries);
  entries.set(key, { key: node.entries.get(key)?.key ?? value.place, value });
  return { ...node, entries };
}

export function withoutKeys(node: MapNode, ...keys: readonly string[]): MapNode {
  return { ...node, entries: new Map([...node.entries].filter(([key]) => !keys.includes(key))) };
}

/** A map's values, each made anew; `undefined` drops the key. */
export function mapValues(node: MapNode, make: (value: Node, key: string) => Node | undefined): MapNode {
  const entries = new Map<string, Entry>();
  for (const [key, entry] of node.entries) {
    const value = make(entry.value, key);
    if (value !== undefined) entries.set(key, { ...entry, value });
  }
  return { ...node, entries };
}

/** Node as plain JSON. */
export function toJson(node: Node): Json {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toJson);
  const object: Record<string, Json> = {};
  // defineProperty: a key may be `__proto__`.
  for (const [key, { value }] of node.entries) {
    Object.defineProperty(object, key, {
      value: toJson(value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return object;
}

/** Where the key or the value at a path stands, or what is nearest to it. */
export function placeAt(root: Node, path: KeyPath, what: 'key' | 'value' = 'value'): Place {
  let node: Node = root;
  let place = root.place;
  for (const part of path) {
    if (node.kind === 'map') {
      const entry = node.entries.get(`${part}`);
      if (entry === undefined) return place;
      place = what === 'key' ? entry.key : entry.value.place;
      node = entry.value;
    } else if (node.kind === 'list') {
      const item: Node | undefined = node.items[Number(part)];
      if (item === undefined) return place;
      place = item.place;
      node = item;
    } else return place;
  }
  return place;
}
