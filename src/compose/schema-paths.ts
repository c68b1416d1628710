import type { KeyPath } from '../problems.ts';
import schema from './schema/compose-spec.json' with { type: 'json' };

/** The parts of a JSON schema that this program looks at. */
export interface Subschema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Subschema>>;
  readonly patternProperties?: Readonly<Record<string, Subschema>>;
  readonly items?: Subschema;
  readonly oneOf?: readonly Subschema[];
}

const root = schema as unknown as Subschema & { readonly definitions: Readonly<Record<string, Subschema>> };

/** Every branch of the schema that describes what may stand at a path of a Compose file. */
export function subschemas(path: KeyPath): readonly Subschema[] {
  let current = branches(root);
  for (const part of path) current = current.flatMap((sub) => below(sub, part)).flatMap(branches);
  return current;
}

/** The schema itself, or its alternatives, with references followed. */
function branches(sub: Subschema): readonly Subschema[] {
  if (sub.$ref !== undefined) {
    const target = root.definitions[sub.$ref.slice('#/definitions/'.length)];
    return target === undefined ? [] : branches(target);
  }
  return sub.oneOf === undefined ? [sub] : [sub, ...sub.oneOf.flatMap(branches)];
}

function below(sub: Subschema, part: string | number): readonly Subschema[] {
  if (typeof part === 'number') return sub.items === undefined ? [] : [sub.items];
  const own = sub.properties?.[part];
  if (own !== undefined) return [own];
  return namedBy(sub)
    .filter(([pattern]) => new RegExp(pattern).test(part))
    .map(([, value]) => value);
}

/** Schemas for keys that the user names: services, networks, labels. */
function namedBy(sub: Subschema): readonly [string, Subschema][] {
  return Object.entries(sub.patternProperties ?? {}).filter(([pattern]) => pattern !== '^x-');
}

/**
 * Every key that the schema knows, as `services.*.ports.*.target`: `*` stands for a name or a list's item. Names that the
 * user gives to labels, variables and options are not keys.
 */
export function schemaKeys(): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  collect(root, '', keys, 0);
  return keys;
}

function collect(schemaPart: Subschema, prefix: string, keys: Map<string, string>, depth: number): void {
  if (depth > 12) return;
  for (const sub of branches(schemaPart)) {
    for (const [key, value] of Object.entries(sub.properties ?? {})) {
      const path = prefix === '' ? key : `${prefix}.${key}`;
      const described = [value, ...branches(value)].find((branch) => branch.description !== undefined);
      if (!keys.has(path)) keys.set(path, described?.description ?? '');
      collect(value, path, keys, depth + 1);
    }
    for (const [, value] of namedBy(sub)) collect(value, `${prefix}.*`, keys, depth + 1);
    if (sub.items !== undefined) collect(sub.items, `${prefix}.*`, keys, depth + 1);
  }
}
