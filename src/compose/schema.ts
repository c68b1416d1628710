import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { nearestName } from '../names.ts';
import { type KeyPath, type Problem, problemAt, showPath } from '../problems.ts';
import { type MapNode, placeAt, toJson } from './node.ts';
import schema from './schema/compose-spec.json' with { type: 'json' };
import { subschemas } from './schema-paths.ts';

/** Checks documents against the schema of the Compose Specification; compiled once, as that takes a while. */
export function createValidator(): (document: MapNode) => readonly Problem[] {
  const ajv = new Ajv({ allErrors: true, strict: false, verbose: true, logger: false });
  // Ajv knows draft-07 by its http address; the specification names it by https.
  const { $schema: _draft, ...body } = schema;
  const validate = ajv.compile(body);
  return (document) => validateDocument(document, validate);
}

function validateDocument(document: MapNode, validate: ValidateFunction): readonly Problem[] {
  if (validate(toJson(document)) === true) return [];
  const problems = groupErrors(validate.errors ?? []).map((errors) => toProblem(document, errors));
  return problems.filter((problem) => problem !== undefined);
}

interface Group {
  readonly path: KeyPath;
  readonly errors: readonly ErrorObject[];
}

/**
 * Errors about one spot in the file make one problem; a spot that fails all branches of a choice (`oneOf`) hides nothing
 * that lies deeper, since the branch that went deepest is the one that was meant.
 */
function groupErrors(errors: readonly ErrorObject[]): readonly Group[] {
  const groups = new Map<string, { path: KeyPath; errors: ErrorObject[] }>();
  for (const error of errors) {
    const path = toPath(error);
    const key = showPath(path);
    const group = groups.get(key) ?? { path, errors: [] };
    group.errors.push(error);
    groups.set(key, group);
  }
  const all = [...groups.values()];
  const isAncestor = (group: Group) =>
    all.some(
      (other) =>
        other.path.length > group.path.length &&
        group.path.every((part, index) => part === other.path[index]),
    );
  return all.filter(
    (group) =>
      !isAncestor(group) || group.errors.some((error) => error.keyword === 'required' && !isChoice(error)),
  );
}

const isChoice = (error: ErrorObject) => /\/(oneOf|anyOf)\//.test(error.schemaPath);

/** The spot an error is about: the unknown key itself, not the map that holds it. */
function toPath(error: ErrorObject): KeyPath {
  const path: (string | number)[] = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return error.keyword === 'additionalProperties' ? [...path, `${error.params.additionalProperty}`] : path;
}

function toProblem(document: MapNode, { path, errors }: Group): Problem | undefined {
  const unknown = errors.find((error) => error.keyword === 'additionalProperties');
  if (unknown !== undefined) return unknownKey(document, path, unknown);
  // What a later file completes is no error here.
  if (errors.every((error) => error.keyword === 'required') && path.includes('depends_on')) return undefined;
  const place = placeAt(document, path);
  const missing = errors.find((error) => error.keyword === 'required');
  if (missing !== undefined) {
    const key = `${missing.params.missingProperty}`;
    return problemAt(placeAt(document, path, 'key'), path, `the key "${key}" is missing`, `Add "${key}:".`);
  }
  return problemAt(place, path, describe(errors));
}

function unknownKey(document: MapNode, path: KeyPath, error: ErrorObject): Problem {
  const key = `${path.at(-1)}`;
  const place = placeAt(document, path, 'key');
  const parent = path.slice(0, -1);
  const known = subschemas(parent).flatMap((sub) => Object.keys(sub.properties ?? {}));
  if (known.length === 0 && error.parentSchema?.patternProperties !== undefined) {
    return problemAt(place, path, `"${key}" is no name`, 'Use letters, digits, ".", "_" and "-".');
  }
  const nearest = nearestName(key, known);
  const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  const remedy =
    nearest === undefined
      ? 'Remove it, or start its name with "x-" to keep it as an extension.'
      : `Write "${nearest}:".`;
  return problemAt(place, path, `the Compose Specification has no key "${key}" here${hint}`, remedy);
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'nothing',
};

function describe(errors: readonly ErrorObject[]): string {
  const allowed = errors.flatMap((error) =>
    error.keyword === 'enum' ? (error.params.allowedValues as unknown[]) : [],
  );
  const value = errors[0]?.data;
  if (allowed.length > 0) {
    const words = [...new Set(allowed.map(String))];
    const nearest = typeof value === 'string' ? nearestName(value, words) : undefined;
    return `must be one of ${words.join(', ')}${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`;
  }
  const types = errors
    .flatMap((error) => (error.keyword === 'type' ? [error.params.type as string | string[]] : []))
    .flat();
  if (types.length > 0) {
    const words = [...new Set(types.map((type) => TYPE_WORDS[type] ?? type))].filter(
      (word) => word !== 'nothing',
    );
    return `must be ${words.join(' or ')}, not ${describeValue(value)}`;
  }
  if (errors.some((error) => error.keyword === 'uniqueItems'))
    return 'the same item stands in this list twice';
  return (
    errors.find((error) => error.keyword !== 'oneOf')?.message ??
    'is not what the Compose Specification allows here'
  );
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? 'text' : `${value}`;
}
