/** The golden Compose projects: what the test compares and `scripts/record-compose.ts` records. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One project: files that are laid over each other, and what a real Docker Compose made of them. */
export interface ComposeCase {
  readonly name: string;
  /** Absolute, in the order of overriding. */
  readonly paths: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute paths of `--env-file`; absent: `.env` beside the first file. */
  readonly envFiles?: readonly string[];
  readonly profiles: readonly string[];
  /** Folder that the recorded model calls /PROJECT. */
  readonly root: string;
  /** File with the recorded model, or with the recorded refusal. */
  readonly record: string;
  /** Project that an unaltered file comes from. */
  readonly origin?: string;
}

/** What a case may say: in `case.json` of own ones, in `index.json` of public ones. */
interface CaseOptions {
  readonly files?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly envFiles?: readonly string[];
  readonly profiles?: readonly string[];
}

/** `test/golden/compose-public/index.json`: where every unaltered file comes from. */
export interface PublicIndex {
  readonly projects: Readonly<Record<string, PublicProject>>;
  readonly cases: ReadonlyArray<CaseOptions & { readonly name: string; readonly project: string }>;
}

export interface PublicProject {
  readonly repository: string;
  /** Tag of the release. */
  readonly version: string;
  /** SPDX identifier; its text stands in the project's folder. */
  readonly licence: string;
  /** Path in the repository, which is also the path below the project's folder here → sha256. */
  readonly files: Readonly<Record<string, string>>;
}

const golden = import.meta.dirname;
export const publicFolder = join(golden, 'compose-public');

/** Environment of cases that name none. */
const ENV = { HOME: '/home/user', HOME2: 'h2', SECRET_X: 'sx', A: 'outside' } as const;
const PROFILES: readonly string[] = ['p'];

export function publicIndex(): PublicIndex {
  return JSON.parse(readFileSync(join(publicFolder, 'index.json'), 'utf8')) as PublicIndex;
}

/** Own projects: every folder of `compose/`, with the record beside the files. */
export function ownCases(): readonly ComposeCase[] {
  return casesIn('compose', 'model.json');
}

/** Projects that Docker Compose refuses: every folder of `compose-rejected/`. */
export function rejectedCases(): readonly ComposeCase[] {
  return casesIn('compose-rejected', 'rejected.txt');
}

/** Unaltered files of public projects. */
export function publicCases(): readonly ComposeCase[] {
  return publicIndex().cases.map(({ name, project, files = [], envFiles, env, profiles }) => {
    const root = join(publicFolder, project);
    const at = (file: string) => join(root, file);
    return {
      name,
      paths: files.map(at),
      env: { HOME: ENV.HOME, ...env },
      ...(envFiles === undefined ? {} : { envFiles: envFiles.map(at) }),
      profiles: profiles ?? [],
      root,
      record: join(publicFolder, 'models', `${name}.json`),
      origin: project,
    };
  });
}

function casesIn(folder: string, record: string): readonly ComposeCase[] {
  return readdirSync(join(golden, folder)).map((name) => {
    const root = join(golden, folder, name);
    const written = join(root, 'case.json');
    const options = existsSync(written) ? (JSON.parse(readFileSync(written, 'utf8')) as CaseOptions) : {};
    const at = (file: string) => join(root, file);
    const usual = ['compose.yaml', 'compose.override.yaml'].filter((file) => existsSync(at(file)));
    return {
      name,
      paths: (options.files ?? usual).map(at),
      env: { ...ENV, ...options.env },
      ...(options.envFiles === undefined ? {} : { envFiles: options.envFiles.map(at) }),
      profiles: options.profiles ?? PROFILES,
      root,
      record: at(record),
    };
  });
}

/** A text of this machine without the paths of this machine. */
export function portable(text: string, { root }: ComposeCase): string {
  return text
    .replaceAll(root, '/PROJECT')
    .replaceAll(dirname(root), '/PARENT')
    .replaceAll(dirname(dirname(root)), '/ABOVE');
}
