import type { Problem } from '../problems.ts';
import type { MapNode } from './node.ts';
export function refusedKeys(_root: MapNode): readonly Problem[] {
  return [];
}
