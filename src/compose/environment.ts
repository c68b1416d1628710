import { type KeyPath, type Problem, problemAt } from '../problems.ts';
import { parseDotenv, parseRawDotenv } from './dotenv.ts';
import type { Lookup } from './interpolate.ts';
import { toMapping } from './mapping.ts';
import {
  child,
  type Entry,
  isNull,
  type MapNode,
  map,
  type Node,
  scalar,
  textOf,
  withKey,
  withoutKeys,
} from './node.ts';
import { type Files, readSource } from './sources.ts';

/** The service with `env_file` and `label_file` read into `environment` and `labels`, which win over the files. */
export function withFileValues(
  service: MapNode,
  path: KeyPath,
  files: Files,
  lookup: Lookup,
): { readonly service: MapNode; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  let result = service;
  const written = child(service, 'environment');
  const own = written === undefined ? undefined : toMapping(written, null);
  const outside: Lookup = (name) => lookup(name) ?? textOf(child(own, name));
  const fileEntries = new Map<string, Entry>();
  for (const [index, item] of items(child(service, 'env_file')).entries()) {
    readEnvFile(item, [...path, 'env_file', index], files, outside, fileEntries, problems);
  }
  if (own !== undefined || fileEntries.size > 0) {
    const entries = new Map(fileEntries);
    for (const [name, entry] of own?.entries ?? []) entries.set(name, entry);
    result = withKey(result, 'environment', map(entries, own?.place ?? service.place));
  }
  const labelEntries = new Map<string, Entry>();
  for (const [index, item] of items(child(service, 'label_file')).entries()) {
    const inFile: Lookup = (name) => textOf(labelEntries.get(name)?.value);
    readFile(
      item,
      textOf(item) ?? '',
      true,
      'label_file',
      [...path, 'label_file', index],
      files,
      inFile,
      labelEntries,
      problems,
    );
  }
  if (labelEntries.size > 0) {
    for (const [name, entry] of toMapping(child(service, 'labels') ?? map([], service.place), '')?.entries ??
      []) {
      labelEntries.set(name, entry);
    }
    result = withKey(result, 'labels', map(labelEntries, service.place));
  }
  return { service: withoutKeys(result, 'env_file', 'label_file'), problems };
}

function readEnvFile(
  item: Node,
  path: KeyPath,
  files: Files,
  lookup: Lookup,
  into: Map<string, Entry>,
  problems: Problem[],
): void {
  const name = textOf(child(item, 'path'));
  if (name === undefined) return;
  const required = child(item, 'required');
  const isRequired = !(
    required?.kind === 'scalar' &&
    (required.value === false || required.value === 'false')
  );
  const format = textOf(child(item, 'format')) ?? '';
  const place = child(item, 'path')?.place ?? item.place;
  if (format !== '' && format !== 'raw') {
    problems.push(
      problemAt(
        place,
        [...path, 'format'],
        `the format "${format}" is not known`,
        'Write `format: raw`, or leave it out.',
      ),
    );
  }
  readFile(item, name, isRequired, format, path, files, lookup, into, problems);
}

function readFile(
  item: Node,
  name: string,
  isRequired: boolean,
  format: string,
  path: KeyPath,
  files: Files,
  lookup: Lookup,
  into: Map<string, Entry>,
  problems: Problem[],
): void {
  const source = readSource(files, name);
  if (source === undefined) {
    const remedy = `Create it, or write "required: false" beside its path.`;
    if (isRequired)
      problems.push(problemAt(item.place, path, `the file ${files.show(name)} cannot be read`, remedy));
    return;
  }
  const earlier: Lookup = (variable) => textOf(into.get(variable)?.value);
  const { values, errors } =
    format === 'raw' ? parseRawDotenv(source.text, lookup) : parseDotenv(source.text, lookup, earlier);
  for (const { at, message } of errors)
    problems.push(problemAt({ source, start: at, end: at + 1 }, path, message));
  // Values are secrets as often as not: they carry the place of the key that names the file, never their own.
  for (const [variable, value] of values)
    into.set(variable, { key: item.place, value: scalar(value, item.place) });
}

const items = (node: Node | undefined): readonly Node[] =>
  node?.kind === 'list' ? node.items : isNull(node) ? [] : [];
