import type { z } from 'zod';
import { type Json, type Node, placeAt, toJson } from '../compose/index.ts';
import { nearestName } from '../names.ts';
import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { type ConfigInput, configSchema } from './schema.ts';

export interface ValidatedConfig {
  /** Absent when something is wrong. */
  readonly value?: ConfigInput;
  /** What is left when everything wrong is taken out: good for finding further problems in the same run. */
  readonly readable?: ConfigInput;
  readonly problems: readonly Problem[];
}

/** A seawall.yml checked against its schema. */
export function validateConfig(root: Node): ValidatedConfig {
  const problems: Problem[] = [];
  if (root.kind !== 'map')
    return {
      problems: [
        problemAt(root.place, [], 'seawall.yml must be a map with keys such as "hosts:" and "routes:"'),
      ],
    };
  const known = Object.keys(configSchema.shape);
  for (const [key, entry] of root.entries) {
    if (!known.includes(key) && !key.startsWith('x-'))
      problems.push(unknownKey(root, [key], known, entry.key));
  }
  const result = configSchema.safeParse(toJson(root), { reportInput: true });
  if (result.success)
    return problems.length === 0 ? { value: result.data, problems } : { readable: result.data, problems };
  for (const issue of result.error.issues) problems.push(...issueProblems(root, issue, []));
  return { problems, readable: readablePart(toJson(root), result.error.issues) };
}

/** The file without its wrong routes and exposed services, and without any other top-level key that is wrong somewhere. */
function readablePart(json: Json, issues: readonly Issue[]): ConfigInput {
  const parts: Record<string, unknown> = structuredClone(json) as Record<string, unknown>;
  for (const { path } of issues) {
    const [section, name] = path.map(String);
    if (section === undefined) return {};
    const inner = parts[section];
    const isPerName = (section === 'routes' || section === 'expose') && name !== undefined;
    if (isPerName && typeof inner === 'object' && inner !== null)
      delete (inner as Record<string, unknown>)[name];
    else delete parts[section];
  }
  return configSchema.safeParse(parts).data ?? {};
}

type Issue = z.core.$ZodIssue;

/** Zod's own words, where the schema has none for the case. */
const GENERIC = 'Invalid input';

function issueProblems(root: Node, issue: Issue, prefix: KeyPath): readonly Problem[] {
  const path: KeyPath = [
    ...prefix,
    ...issue.path.map((part) => (typeof part === 'number' ? part : `${String(part)}`)),
  ];
  if (issue.code === 'invalid_union' && issue.message === GENERIC) {
    const branch = meantBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => issueProblems(root, inner, path));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(root, [...path, key], knownKeys(path)));
  }
  if (issue.code === 'invalid_key') {
    const text = issue.issues[0]?.message ?? 'is no name';
    return [
      problemAt(placeAt(root, path, 'key'), path, `"${path.at(-1)}" cannot stand here: ${lower(text)}`),
    ];
  }
  return [problemAt(placeAt(root, path), path, describe(issue))];
}

/** Of the alternatives the one whose form the value has; it then says what is wrong inside. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const isForm = (issue: Issue) =>
    issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
  return branches.find((issues) => issues.length > 0 && !issues.some(isForm));
}

function describe(issue: Issue): string {
  if (issue.code === 'invalid_type' && 'input' in issue && issue.input === undefined) return 'is missing';
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid option'))
    return `must be ${issue.values.map((value) => `"${String(value)}"`).join(' or ')}`;
  if (issue.code === 'invalid_type') return `must be ${TYPES[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_union' && issue.message === GENERIC) {
    const words = issue.errors.flat().find(({ code, path }) => code === 'invalid_value' && path.length === 0);
    if (words?.code !== 'invalid_value') return 'has not the form that belongs here';
    return `must be ${words.values.map((value) => `"${String(value)}"`).join(' or ')}, or a map`;
  }
  return /^(a |an |the name |letters|lower-case|SERVICE:)/.test(issue.message)
    ? `must be ${issue.message}`
    : lower(issue.message);
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  record: 'a map',
  object: 'a map',
  array: 'a list',
};

const lower = (text: string) =>
  /^[A-Z]{2}/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);

function unknownKey(
  root: Node,
  path: KeyPath,
  known: readonly string[],
  at = placeAt(root, path, 'key'),
): Problem {
  const key = `${path.at(-1)}`;
  const nearest = nearestName(key, known);
  const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
  const remedy = nearest === undefined ? `The keys here are ${known.join(', ')}.` : `Write "${nearest}:".`;
  return problemAt(at, path, `there is no key "${key}" here${hint}`, remedy);
}

/** Keys of the map at a path, for "did you mean". */
function knownKeys(path: KeyPath): readonly string[] {
  let schema: z.core.$ZodType = configSchema;
  for (const part of path) {
    const found: z.core.$ZodType | undefined = below(unwrap(schema), `${part}`);
    if (found === undefined) return [];
    schema = found;
  }
  const inner = unwrap(schema);
  return 'shape' in inner ? Object.keys(inner.shape as object) : [];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const definition = schema._zod.def as z.core.$ZodTypeDef & {
    innerType?: z.core.$ZodType;
    options?: readonly z.core.$ZodType[];
  };
  if (definition.innerType !== undefined) return unwrap(definition.innerType);
  const object = definition.options?.find((option) => 'shape' in unwrap(option));
  return object === undefined ? schema : unwrap(object);
}

function below(schema: z.core.$ZodType, part: string): z.core.$ZodType | undefined {
  if ('shape' in schema) return (schema.shape as Readonly<Record<string, z.core.$ZodType>>)[part];
  const definition = schema._zod.def as z.core.$ZodTypeDef & {
    valueType?: z.core.$ZodType;
    element?: z.core.$ZodType;
  };
  return definition.valueType ?? definition.element;
}
