import { posix } from 'node:path';
import { type Files, map, type Node, parseYaml, readSource, toJson } from '../compose/index.ts';
import { type Place, type Problem, problemAt } from '../problems.ts';
import { isComposeFile, overlayConfig } from './nodes.ts';

/** The files that a command works on. */
export interface FoundFiles {
  /** All seawall.yml laid over each other; an empty map when there is none. */
  readonly root: Node;
  /** Absolute paths of Compose files that the command line names. */
  readonly composeFiles: readonly string[];
  readonly problems: readonly Problem[];
}

const CONFIG_NAMES = ['seawall.yml', 'seawall.yaml'];
const COMPOSE_NAMES = [
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
  'production.yml',
];

/** Tells the files of the command line apart and reads every seawall.yml; without one named, that of the folder. */
export function findConfigs(files: Files, cwd: string, written: readonly string[]): FoundFiles {
  const problems: Problem[] = [];
  const composeFiles: string[] = [];
  const empty: Place = {
    source: { path: posix.join(cwd, 'seawall.yml'), name: 'seawall.yml', text: '' },
    start: 0,
    end: 0,
  };
  let root: Node | undefined;
  const readConfig = (path: string, isNamed: boolean) => {
    const source = readSource(files, path);
    if (source === undefined) {
      const place = { ...empty, source: { path, name: files.show(path), text: '' } };
      if (isNamed) problems.push(problemAt(place, [], 'the file cannot be read'));
      return;
    }
    const parsed = parseYaml(source);
    const [document] = parsed.documents;
    if (isNamed && isComposeFile(posix.basename(path), document?.root)) {
      composeFiles.push(path);
      return;
    }
    problems.push(...parsed.problems);
    if (document?.root === undefined || toJson(document.root) === null) return;
    root = root === undefined ? document.root : overlayConfig(root, document.root);
  };
  for (const name of written) readConfig(posix.resolve(cwd, name), true);
  const hasConfig = written.length > composeFiles.length;
  const found = CONFIG_NAMES.map((name) => posix.join(cwd, name)).find(
    (path) => files.read(path) !== undefined,
  );
  if (!hasConfig && found !== undefined) readConfig(found, false);
  return { root: root ?? map([], empty), composeFiles, problems };
}

/** The Compose file of a folder with its override file, as Docker Compose looks for them. */
export function findComposeFiles(files: Files, folder: string): readonly string[] {
  const main = COMPOSE_NAMES.find((name) => files.read(posix.join(folder, name)) !== undefined);
  if (main === undefined) return [];
  const stem = main.replace(/\.ya?ml$/, '');
  const override = ['yml', 'yaml']
    .flatMap((ending) => [
      `${stem}.override.${ending}`,
      `compose.override.${ending}`,
      `docker-compose.override.${ending}`,
    ])
    .filter((name) => stem !== 'production' || name.startsWith('production'))
    .find((name) => files.read(posix.join(folder, name)) !== undefined);
  return [main, ...(override === undefined ? [] : [override])].map((name) => posix.join(folder, name));
}
