import { posix } from 'node:path';
import { hasErrors, type KeyPath, type Place, type Problem, problemAt } from '../problems.ts';
import { checkConsistency } from './consistency/index.ts';
import { withScales } from './defaults.ts';
import { parseDotenv } from './dotenv.ts';
import { withFileValues } from './environment.ts';
import { interpolate, type Lookup } from './interpolate.ts';
import { loadGroup, nowhere } from './load.ts';
import type { ComposeModel } from './model.ts';
import {
  child,
  type MapNode,
  mapValues,
  type Node,
  placeAt,
  textOf,
  toJson,
  withKey,
  withoutKeys,
} from './node.ts';
import { normalize } from './normalize.ts';
import { refusedKeys } from './refuse.ts';
import { createValidator } from './schema.ts';
import { withCanonicalValues } from './shape.ts';
import { type Files, readSource } from './sources.ts';
import { parseYaml } from './yaml.ts';

export interface ComposeOptions {
  /** Absolute paths; later files override earlier ones. */
  readonly paths: readonly string[];
  /** Environment of the command. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute paths of environment files; absent: `.env` beside the first Compose file, if it is there. */
  readonly envFiles?: readonly string[];
  readonly profiles: readonly string[];
  /** Project name that goes before the one in the file. */
  readonly project?: string;
}

export interface ComposeProject {
  /** Absent when a file is so wrong that the model would not have its form. */
  readonly model?: ComposeModel;
  /** The model as nodes, as far as it could be read: services outside the profiles are gone. */
  readonly root: MapNode;
  readonly problems: readonly Problem[];
  /** Those of the problems that Docker Compose has not: keys and values that Seawall refuses. */
  readonly refusals: readonly Problem[];
  /** Services outside the active profiles, with the profiles that they are in. */
  readonly inactive: Readonly<Record<string, readonly string[]>>;
  /** Variables that were looked up so far and found, sorted by name. */
  variables(): Readonly<Record<string, string>>;
  /** Volumes that bind a folder of this machine: their device was written relative, or with `~`. */
  readonly ownFolders: ReadonlySet<string>;
  /** Folder of the first file. */
  readonly folder: string;
  /** Where a path of the model was written, or what is nearest to it. */
  place(path: KeyPath, what?: 'key' | 'value'): Place;
  /** Value of a variable, as interpolation sees it. */
  lookup: Lookup;
}

/** Loads, merges, checks and normalises the files of a project. */
export function loadCompose(options: ComposeOptions, files: Files): ComposeProject {
  const problems: Problem[] = [];
  const used = new Map<string, string>();
  const folder = posix.dirname(options.paths[0] ?? '/');
  const variables = readVariables(options, folder, files, problems);
  const lookup: Lookup = (name) => {
    const value = variables.get(name);
    if (value !== undefined) used.set(name, value);
    return value;
  };
  const name = projectName(options, folder, files, lookup, problems);
  variables.set('COMPOSE_PROJECT_NAME', name);
  const validate = createValidator();
  const ownFolders = new Set<string>();
  const context = { files, folder, lookup, problems, validate, ownFolders, includedBy: [] };
  const loaded = loadGroup(options.paths, context);
  if (loaded.entries.size === 0 && !hasErrors(problems))
    problems.push(problemAt(loaded.place, [], 'the file is empty', 'Write "services:" and what they are.'));
  const isValid = !hasErrors(problems);
  const active = withProfiles(normalize(loaded, name, lookup), options.profiles);
  const shaped = withCanonicalValues(withEnvironments(active.root, lookup, files, problems));
  const whole = shaped.root as MapNode;
  const root = withScales(withoutUnused(whole)) as MapNode;
  const refusals = refusedKeys(root);
  problems.push(...shaped.problems, ...refusals);
  const paths = problems.map((problem) => problem.path);
  // What is missing because its key is misspelt has been said already.
  const isSaid = (problem: Problem) => paths.some((path) => path.startsWith(problem.path));
  problems.push(
    ...checkConsistency(whole, new Set(active.disabled.keys())).filter(
      (problem) => isValid || !isSaid(problem),
    ),
  );
  const place = (path: KeyPath, what: 'key' | 'value' = 'value') => placeAt(root, path, what);
  const found = () => Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1)));
  const inactive = Object.fromEntries(active.disabled);
  const base = { root, problems, refusals, inactive, folder, ownFolders, place, lookup, variables: found };
  return isValid ? { ...base, model: toJson(root) as unknown as ComposeModel } : base;
}

/** Variables of the command's environment, and of environment files where it says nothing. `.env` is looked for in the folder. */
export function readVariables(
  options: Pick<ComposeOptions, 'env' | 'envFiles'>,
  folder: string,
  files: Files,
  problems: Problem[],
): Map<string, string> {
  const outside: Lookup = (name) => options.env[name];
  const variables = new Map<string, string>();
  for (const path of options.envFiles ?? [posix.join(folder, '.env')]) {
    const source = readSource(files, path);
    if (source === undefined) {
      if (options.envFiles !== undefined)
        problems.push(problemAt(nowhere(files.show(path)), [], 'the file cannot be read'));
      continue;
    }
    const { values, errors } = parseDotenv(source.text, outside, (name) => variables.get(name));
    for (const { at, message } of errors)
      problems.push(problemAt({ source, start: at, end: at + 1 }, [], message));
    for (const [name, value] of values) variables.set(name, value);
  }
  for (const [name, value] of Object.entries(options.env))
    if (value !== undefined) variables.set(name, value);
  return variables;
}

/** `-p`, COMPOSE_PROJECT_NAME, the last `name:`, the folder's name; in this order. */
function projectName(
  options: ComposeOptions,
  folder: string,
  files: Files,
  lookup: Lookup,
  problems: Problem[],
): string {
  const given = options.project ?? lookup('COMPOSE_PROJECT_NAME');
  if (given !== undefined && given !== '') return normalName(given);
  let written: { readonly name: string; readonly place: Place } | undefined;
  for (const path of options.paths) {
    const source = readSource(files, path);
    if (source === undefined) continue;
    for (const { root } of parseYaml(source).documents) {
      const node = child(root, 'name');
      const text = textOf(node);
      if (node !== undefined && text !== undefined)
        written = { name: interpolate(text, lookup).text, place: node.place };
    }
  }
  const name = normalName(written?.name ?? posix.basename(folder));
  if (name !== '') return name;
  const remedy = 'Write "name: NAME" at the top of the Compose file, with lower-case letters and digits.';
  problems.push(
    problemAt(
      written?.place ?? nowhere(files.show(options.paths[0] ?? '')),
      ['name'],
      'the project has no usable name',
      remedy,
    ),
  );
  return 'project';
}

function normalName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
}

function withEnvironments(root: MapNode, lookup: Lookup, files: Files, problems: Problem[]): MapNode {
  const services = child(root, 'services');
  if (services?.kind !== 'map') return root;
  const complete = mapValues(services, (service, key) => {
    if (service.kind !== 'map') return service;
    const read = withFileValues(service, ['services', key], files, lookup);
    problems.push(...read.problems);
    return read.service;
  });
  return withKey(root, 'services', complete);
}

function withProfiles(
  root: MapNode,
  profiles: readonly string[],
): { readonly root: MapNode; readonly disabled: ReadonlyMap<string, readonly string[]> } {
  const disabled = new Map<string, readonly string[]>();
  const services = child(root, 'services');
  if (services?.kind !== 'map') return { root, disabled };
  const active = mapValues(services, (service, name) => {
    if (isActive(service, profiles)) return service;
    disabled.set(name, profilesOf(service));
    return undefined;
  });
  return { root: withKey(root, 'services', active), disabled };
}

/** The model without networks, volumes, configs and secrets that no active service names. */
function withoutUnused(root: MapNode): MapNode {
  const services = child(root, 'services');
  const all = services?.kind === 'map' ? [...services.entries.values()].map(({ value }) => value) : [];
  const items = (node: Node | undefined): readonly Node[] => (node?.kind === 'list' ? node.items : []);
  const sources = (key: string) => (service: Node) => [
    ...items(child(service, key)).map((item) => textOf(child(item, 'source')) ?? ''),
    ...items(child(child(service, 'build'), key)).map((item) => textOf(child(item, 'source')) ?? ''),
  ];
  const networks = (service: Node) => {
    const own = child(service, 'networks');
    return own?.kind === 'map' ? [...own.entries.keys()] : [];
  };
  const named = {
    networks,
    volumes: sources('volumes'),
    configs: sources('configs'),
    secrets: sources('secrets'),
  };
  let model = root;
  for (const [section, names] of Object.entries(named)) {
    const resources = child(model, section);
    if (resources?.kind !== 'map') continue;
    const used = new Set(all.flatMap(names));
    const kept = mapValues(resources, (resource, name) => (used.has(name) ? resource : undefined));
    model = kept.entries.size === 0 ? withoutKeys(model, section) : withKey(model, section, kept);
  }
  return model;
}

function isActive(service: Node, profiles: readonly string[]): boolean {
  const own = profilesOf(service);
  return own.length === 0 || profiles.includes('*') || own.some((profile) => profiles.includes(profile));
}

function profilesOf(service: Node): readonly string[] {
  const own = child(service, 'profiles');
  return own?.kind === 'list' ? own.items.map((item) => textOf(item) ?? '') : [];
}
