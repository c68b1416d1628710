import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type KeyPath, problemAt } from '../problems.ts';
import { parseDotenv } from './dotenv.ts';
import type { Lookup } from './interpolate.ts';
import type { LoadContext } from './load-context.ts';
import { asList } from './mapping.ts';
import { child, type MapNode, map, type Node, textOf, toJson, withKey, withoutKeys } from './node.ts';

const SECTIONS = ['services', 'networks', 'volumes', 'configs', 'secrets', 'models'] as const;

/** Loads files that override each other; given, because it includes in turn. */
export type LoadGroup = (paths: readonly string[], context: LoadContext) => MapNode;

/** The document with everything that its `include:` names brought in. */
export function withIncludes(root: MapNode, context: LoadContext, loadGroup: LoadGroup): MapNode {
  const include = child(root, 'include');
  if (include?.kind !== 'list') return root;
  let model = withoutKeys(root, 'include');
  include.items.forEach((item, index) => {
    const imported = loadInclude(item, ['include', index], context, loadGroup);
    if (imported !== undefined) model = importSections(model, imported, context);
  });
  return model;
}

function loadInclude(
  item: Node,
  path: KeyPath,
  context: LoadContext,
  loadGroup: LoadGroup,
): MapNode | undefined {
  const written = item.kind === 'map' ? child(item, 'path') : item;
  const names = texts(written).map((name) => posix.resolve(context.folder, name));
  const [main] = names;
  if (main === undefined) return undefined;
  if (context.includedBy.includes(main)) {
    const chain = [...context.includedBy, main].map(context.files.show).join(' → ');
    context.problems.push(
      problemAt(item.place, path, `these files include each other in a circle: ${chain}`),
    );
    return undefined;
  }
  const missing = names.filter((name) => context.files.read(name) === undefined);
  for (const name of missing) {
    context.problems.push(
      problemAt((written ?? item).place, path, `the file ${context.files.show(name)} cannot be read`),
    );
  }
  if (missing.length > 0) return undefined;
  const projectDirectory = textOf(child(item, 'project_directory'));
  const folder =
    projectDirectory === undefined ? posix.dirname(main) : posix.resolve(context.folder, projectDirectory);
  const lookup = includeLookup(child(item, 'env_file'), folder, path, context);
  return loadGroup(names, { ...context, folder, lookup });
}

/** Variables of an included file: those of the project, then those of its own environment files. */
function includeLookup(
  envFile: Node | undefined,
  folder: string,
  path: KeyPath,
  context: LoadContext,
): Lookup {
  const own = new Map<string, string>();
  const explicit = texts(envFile).map((name) => posix.resolve(context.folder, name));
  for (const file of envFile === undefined ? [posix.join(folder, '.env')] : explicit) {
    const text = context.files.read(file);
    if (text === undefined) {
      const message = `the file ${context.files.show(file)} cannot be read`;
      if (envFile !== undefined) context.problems.push(problemAt(envFile.place, path, message));
      continue;
    }
    const { values } = parseDotenv(text, context.lookup, (name) => own.get(name));
    for (const [name, value] of values) own.set(name, value);
  }
  return (name) => context.lookup(name) ?? own.get(name);
}

function importSections(model: MapNode, imported: MapNode, context: LoadContext): MapNode {
  let result = model;
  for (const section of SECTIONS) {
    const from = child(imported, section);
    if (from?.kind !== 'map') continue;
    const into = child(result, section);
    const entries = new Map(into?.kind === 'map' ? into.entries : []);
    for (const [name, entry] of from.entries) {
      const own = entries.get(name);
      if (own !== undefined && !isDeepStrictEqual(toJson(own.value), toJson(entry.value))) {
        const message = `an included file defines "${name}" differently`;
        const remedy = `Rename one of them, or change the included one in an override file listed under its include.path.`;
        context.problems.push(problemAt(own.key, [section, name], message, remedy));
      } else entries.set(name, entry);
    }
    result = withKey(result, section, map(entries, into?.place ?? from.place));
  }
  return result;
}

function texts(node: Node | undefined): readonly string[] {
  if (node === undefined) return [];
  const items = asList(node);
  return items.kind === 'list' ? items.items.flatMap((item) => textOf(item) ?? []) : [];
}
