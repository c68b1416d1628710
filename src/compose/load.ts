import { posix } from 'node:path';
import { hasErrors, type KeyPath, type Place, problemAt, type SourceText } from '../problems.ts';
import { toLongForms } from './canonical.ts';
import { interpolateTree } from './cast.ts';
import { withDefaults } from './defaults.ts';
import { type ExtendsContext, type ForeignServices, withExtends } from './extends.ts';
import { withIncludes } from './include.ts';
import type { LoadContext } from './load-context.ts';
import { mergeNodes } from './merge.ts';
import { child, type MapNode, map, type Node, withoutKeys } from './node.ts';
import { withoutPaths } from './pattern.ts';
import { servicesOnly, withAbsolutePaths } from './resolve-paths.ts';
import { readSource } from './sources.ts';
import { withoutRedefinitions } from './unique.ts';
import { parseYaml, type YamlDocument } from './yaml.ts';

/** The merged model of several files, in long forms, with absolute paths; names and profiles are not looked at yet. */
export function loadGroup(paths: readonly string[], context: LoadContext): MapNode {
  let model: MapNode | undefined;
  for (const path of paths) {
    const source = readSource(context.files, path);
    if (source === undefined) {
      context.problems.push(problemAt(nowhere(context.files.show(path)), [], 'the file cannot be read'));
      continue;
    }
    model = overlay(model, source, context);
  }
  const merged = model ?? map([], nowhere(context.files.show(paths[0] ?? '')));
  const { folder, files, ownFolders } = context;
  return withAbsolutePaths(withDefaults(merged), folder, files.home, (name) =>
    ownFolders.add(name),
  ) as MapNode;
}

/** A place in a file whose text is not known. */
export function nowhere(name: string): Place {
  return { source: { path: name, name, text: '' }, start: 0, end: 0 };
}

/** The documents of one file laid over what earlier files said. */
function overlay(base: MapNode | undefined, source: SourceText, context: LoadContext): MapNode | undefined {
  let model = base;
  for (const { root, replaced } of readDocuments(source, context)) {
    context.problems.push(...context.validate(root));
    const extended = withExtends(root, source.path, replaced, extendsContext(context));
    const whole = withIncludes(
      extended,
      { ...context, includedBy: [...context.includedBy, source.path] },
      loadGroup,
    );
    const lower = model === undefined ? undefined : withoutPaths(model, replaced);
    const merged = withoutRedefinitions(lower === undefined ? whole : mergeNodes(lower, whole));
    // What only the files together get wrong, and what comes from an extended service.
    if (!hasErrors(context.problems)) context.problems.push(...context.validate(merged as MapNode));
    const long = toLongForms(merged);
    context.problems.push(...long.problems);
    model = withoutKeys(withoutRedefinitions(long.root) as MapNode, 'version');
  }
  return model;
}

interface Document {
  readonly root: MapNode;
  readonly replaced: readonly KeyPath[];
}

function readDocuments(source: SourceText, context: LoadContext): readonly Document[] {
  const parsed = parseYaml(source, 'compose');
  context.problems.push(...parsed.problems);
  return parsed.documents.flatMap((document: YamlDocument) => {
    if (document.root === undefined || (document.root.kind === 'scalar' && document.root.value === null))
      return [];
    if (document.root.kind !== 'map') {
      const message = 'a Compose file must be a map with keys such as "services:"';
      context.problems.push(problemAt(document.root.place, [], message));
      return [];
    }
    const { root, problems } = interpolateTree(document.root, context.lookup);
    context.problems.push(...problems);
    return [{ root: root as MapNode, replaced: document.replaced }];
  });
}

function extendsContext(context: LoadContext): ExtendsContext {
  const readServices = (file: string): ForeignServices | undefined => {
    const path = posix.resolve(context.folder, file);
    const source = readSource(context.files, path);
    if (source === undefined) return undefined;
    const documents = readDocuments(source, context);
    const [document] = documents;
    const services = child(document?.root, 'services');
    if (document === undefined || services?.kind !== 'map') return undefined;
    const long = toLongForms(servicesOnly(services));
    context.problems.push(...long.problems);
    const resolved: Node = withAbsolutePaths(long.root, posix.dirname(path), context.files.home);
    const found = child(resolved, 'services');
    return found?.kind === 'map' ? { services: found, replaced: document.replaced } : undefined;
  };
  return { problems: context.problems, readServices };
}
