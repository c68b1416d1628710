import { type Entry, list, type MapNode, map, type Node, scalar } from './node.ts';
import { showNode } from './scalar.ts';

/** `NAME=value` items of a map or a list; a name without value has no equals sign. Maps are sorted, as in Docker Compose. */
export function toItems(node: Node): readonly Node[] {
  if (node.kind === 'list') return node.items;
  if (node.kind === 'scalar') return typeof node.value === 'string' ? [node] : [];
  const items: [string, Node][] = [];
  for (const [key, { value }] of node.entries) {
    if (value.kind === 'scalar') {
      const text = value.value === null ? key : `${key}=${showNode(value)}`;
      items.push([text, scalar(text, value.place)]);
    } else if (value.kind === 'list') {
      for (const item of value.items) {
        const text = `${key}=${item.kind === 'scalar' ? showNode(item) : ''}`;
        items.push([text, scalar(text, item.place)]);
      }
    }
  }
  return items.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, node_]) => node_);
}

/** A list of `NAME=value` as a map; a name alone gets `absent`. */
export function toMapping(node: Node, absent: string | null): MapNode | undefined {
  if (node.kind === 'scalar') return undefined;
  const entries: [string, Entry][] = [];
  if (node.kind === 'map') {
    for (const [key, { key: place, value }] of node.entries) {
      if (value.kind !== 'scalar') continue;
      const text = value.value === null ? absent : showNode(value);
      entries.push([key, { key: place, value: scalar(text, value.place) }]);
    }
  } else {
    for (const item of node.items) {
      if (item.kind !== 'scalar') continue;
      const text = showNode(item);
      const equals = text.indexOf('=');
      const value = equals === -1 ? absent : text.slice(equals + 1);
      entries.push([
        equals === -1 ? text : text.slice(0, equals),
        { key: item.place, value: scalar(value, item.place) },
      ]);
    }
  }
  return map(entries, node.place);
}

/** A list of names as a map from each name to what `make` says. */
export function namesToMap(node: Node, make: (item: Node) => Node): MapNode | undefined {
  if (node.kind === 'map') return node;
  if (node.kind !== 'list') return undefined;
  const entries: [string, Entry][] = [];
  for (const item of node.items) {
    if (item.kind === 'scalar') entries.push([showNode(item), { key: item.place, value: make(item) }]);
  }
  return map(entries, node.place);
}

export const asList = (node: Node): Node =>
  node.kind === 'scalar' && typeof node.value === 'string' ? list([node], node.place) : node;
