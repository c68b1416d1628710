import { posix } from 'node:path';
import { nearestName } from '../names.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { mergeNodes } from './merge.ts';
import { child, isNull, type MapNode, mapValues, type Node, textOf, withKey, withoutKeys } from './node.ts';
import { withoutPaths } from './pattern.ts';
import { servicesOnly } from './resolve-paths.ts';

/** Services of another file, ready to be extended: interpolated, long forms, paths absolute. */
export interface ForeignServices {
  readonly services: MapNode;
  /** Paths that the file's `!reset` and `!override` tags stand at. */
  readonly replaced: readonly KeyPath[];
}

export interface ExtendsContext {
  readonly problems: Problem[];
  /** Reads the services of a file named in `extends.file`; `undefined` when it cannot be read. */
  readonly readServices: (file: string) => ForeignServices | undefined;
}

/** The document with `extends` of every service applied. */
export function withExtends(
  root: MapNode,
  file: string,
  replaced: readonly KeyPath[],
  context: ExtendsContext,
): MapNode {
  const services = child(root, 'services');
  if (services?.kind !== 'map') return root;
  const scope: Scope = { file, services, replaced, known: { services: new Map(), files: new Map() } };
  const extended = mapValues(services, (_service, name) => extendService(name, scope, [], context));
  return withKey(root, 'services', extended);
}

/** The file that a service stands in, and its neighbours there. */
interface Scope {
  readonly file: string;
  readonly services: MapNode;
  readonly replaced: readonly KeyPath[];
  /** Services that are complete, and other files, of this document. */
  readonly known: Known;
}

interface Known {
  readonly services: Map<string, Node>;
  readonly files: Map<string, ForeignServices | undefined>;
}

function extendService(name: string, scope: Scope, trail: readonly string[], context: ExtendsContext): Node {
  const service = child(scope.services, name);
  const written = child(service, 'extends');
  if (service?.kind !== 'map' || written === undefined) return service ?? scope.services;
  const plain = withoutKeys(service, 'extends');
  const path = ['services', name, 'extends'];
  const key = `${scope.file}#${name}`;
  const known = scope.known.services.get(key);
  if (known !== undefined) return known;
  if (trail.includes(key)) {
    const chain = [...trail.slice(trail.indexOf(key)), key].map((step) => step.split('#').at(-1)).join(' → ');
    context.problems.push(
      problemAt(written.place, path, `these services extend each other in a circle: ${chain}`),
    );
    return plain;
  }
  const reference = textOf(written) ?? textOf(child(written, 'service'));
  const target = reference === undefined ? undefined : targetScope(written, scope, path, context);
  if (reference === undefined || target === undefined) return plain;
  if (!target.services.entries.has(reference)) {
    const nearest = nearestName(reference, target.services.entries.keys());
    const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
    context.problems.push(
      problemAt(written.place, path, `there is no service "${reference}" to extend${hint}`),
    );
    return plain;
  }
  const base = extendService(reference, target, [...trail, key], context);
  if (isNull(base) || base.kind !== 'map') return plain;
  const merged = mergeNodes(withoutReplaced(base, name, scope.replaced), plain, ['services', name]);
  scope.known.services.set(key, merged);
  return merged;
}

function targetScope(written: Node, scope: Scope, path: KeyPath, context: ExtendsContext): Scope | undefined {
  const fileNode = child(written, 'file');
  const file = textOf(fileNode);
  if (fileNode === undefined || file === undefined) return scope;
  const { known } = scope;
  if (!known.files.has(file)) known.files.set(file, context.readServices(file));
  const foreign = known.files.get(file);
  if (foreign !== undefined) return { ...foreign, file: posix.normalize(file), known };
  context.problems.push(
    problemAt(fileNode.place, [...path, 'file'], `the file ${file} cannot be read or has no services`),
  );
  return undefined;
}

function withoutReplaced(base: MapNode, name: string, replaced: readonly KeyPath[]): Node {
  const wrapped = servicesOnly(withKey({ ...base, entries: new Map() }, name, base));
  return child(child(withoutPaths(wrapped, replaced), 'services'), name) ?? base;
}
