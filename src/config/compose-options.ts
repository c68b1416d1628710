import { posix } from 'node:path';
import { type ComposeOptions, type Files, type Node, readVariables } from '../compose/index.ts';
import { type FoundFiles, findComposeFiles } from './find.ts';
import type { LoadOptions } from './load.ts';
import type { ConfigInput } from './schema.ts';
import { resolveAt } from './settle.ts';

/** The Compose files of a project and what they are loaded with; no paths: there is none. */
export function settleCompose(
  options: LoadOptions,
  { composeFiles, root }: FoundFiles,
  input: ConfigInput,
  files: Files,
): ComposeOptions {
  const envFiles = filesAt(root, 'env_file', input.env_file);
  const named = composeFiles.length > 0 ? composeFiles : filesAt(root, 'compose', input.compose);
  const found =
    named === undefined ? unnamedFiles(options, envFiles, root, files) : { paths: named, env: options.env };
  const base = { ...found, ...(envFiles === undefined ? {} : { envFiles }) };
  const variables = readVariables(base, posix.dirname(found.paths[0] ?? '/'), files, []);
  const fromEnvironment = listOf(variables.get('COMPOSE_PROFILES'), ',').map((profile) => profile.trim());
  const profiles = [...(options.profiles ?? []), ...(input.profiles ?? fromEnvironment)];
  const project = options.project ?? input.project;
  return { ...base, profiles, ...(project === undefined ? {} : { project }) };
}

/**
 * Those of COMPOSE_FILE, else what has a default name. As in Docker Compose (compose-go, cli/options.go) the `.env` that may
 * say it counts beside the one of the project's folder, and before it.
 */
function unnamedFiles(
  { cwd, env }: LoadOptions,
  envFiles: readonly string[] | undefined,
  root: Node,
  files: Files,
): Pick<ComposeOptions, 'paths' | 'env'> {
  const folder = root.place.source.text === '' ? cwd : posix.dirname(root.place.source.path);
  const variables = readVariables({ env, ...(envFiles && { envFiles }) }, folder, files, []);
  const separator = variables.get('COMPOSE_PATH_SEPARATOR') || ':';
  const written = listOf(variables.get('COMPOSE_FILE'), separator);
  if (written.length === 0) return { paths: findComposeFiles(files, folder), env };
  const from = env.COMPOSE_FILE === undefined ? folder : cwd;
  return { paths: written.map((path) => posix.resolve(from, path)), env: Object.fromEntries(variables) };
}

const listOf = (text: string | undefined, separator: string): readonly string[] =>
  (text ?? '').split(separator).filter((item) => item.trim() !== '');

/** Absolute paths of the files that a key of seawall.yml names. */
function filesAt(
  root: Node,
  key: string,
  written: string | readonly string[] | undefined,
): readonly string[] | undefined {
  if (written === undefined) return undefined;
  if (typeof written === 'string') return [resolveAt(root, [key], written)];
  return written.map((file, index) => resolveAt(root, [key, index], file));
}
