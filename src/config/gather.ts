import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  BuildRefusal,
  ComposeModel,
  ContentFact,
  ContentRefusal,
  ServiceModel,
} from '../compose/index.ts';
import { hashBuildSources } from './build-sources.ts';
import { absent, readContent } from './contents.ts';
import { fileRefusal } from './file-refusal.ts';

/** What is known of the files that a project names, for the pure translation. */
export interface Gathered {
  readonly contents: ReadonlyMap<string, ContentFact | ContentRefusal>;
  readonly sourceHashes: ReadonlyMap<string, string>;
  /** By service. */
  readonly buildRefusals: ReadonlyMap<string, BuildRefusal>;
}

type Show = (path: string) => string;
type Build = NonNullable<ServiceModel['build']>;

/** Reads and hashes every bind, config, secret and build context of the active services, one after the other. */
export async function gatherFiles(model: ComposeModel, folder: string, show: Show): Promise<Gathered> {
  const contents = new Map<string, ContentFact | ContentRefusal>();
  const sourceHashes = new Map<string, string>();
  const buildRefusals = new Map<string, BuildRefusal>();
  for (const [path, what] of namedPaths(model)) {
    const fact = await readContent(path, folder, what, show).catch((error) => fileRefusal(error, path, show));
    contents.set(path, fact);
  }
  for (const [name, { build, platform }] of Object.entries(model.services)) {
    if (build === undefined || build.context.includes('://')) continue;
    const sources = await hashOrRefusal(build, platform, show);
    if (typeof sources === 'string') sourceHashes.set(name, sources);
    else buildRefusals.set(name, sources);
  }
  return { contents, sourceHashes, buildRefusals };
}

async function hashOrRefusal(
  build: Build,
  platform: string | undefined,
  show: Show,
): Promise<string | BuildRefusal> {
  try {
    const missing = await missingBuild(build, show);
    return missing === undefined ? await hashBuildSources(build, platform) : { ...missing, key: ['context'] };
  } catch (error) {
    return { ...fileRefusal(error, build.context, show), key: keyOf(build, error) };
  }
}

/** Key below `build` that names the folder in which something went wrong. */
function keyOf(build: Build, error: unknown): BuildRefusal['key'] {
  const { path = '' } = error as NodeJS.ErrnoException;
  const further = Object.entries(build.additional_contexts ?? {}).find(([, folder]) =>
    `${path}/`.startsWith(`${folder}/`),
  );
  return further === undefined ? ['context'] : ['additional_contexts', further[0]];
}

function namedPaths(model: ComposeModel): ReadonlyMap<string, 'bind' | 'file'> {
  const paths = new Map<string, 'bind' | 'file'>();
  for (const service of Object.values(model.services)) {
    for (const section of ['configs', 'secrets'] as const) {
      for (const { source } of service[section] ?? []) {
        const file = model[section]?.[source]?.file;
        if (file !== undefined) paths.set(file, 'file');
      }
    }
    for (const { source } of service.build?.secrets ?? []) {
      const file = model.secrets?.[source]?.file;
      if (file !== undefined) paths.set(file, 'file');
    }
    for (const volume of service.volumes ?? [])
      if (volume.type === 'bind' && volume.source !== undefined) paths.set(volume.source, 'bind');
  }
  return paths;
}

async function missingBuild({ context, dockerfile }: Build, show: Show): Promise<ContentRefusal | undefined> {
  if ((await stat(context).catch(absent))?.isDirectory() !== true)
    return {
      text: `the folder ${show(context)} does not exist`,
      remedy: 'Name the folder that holds the Dockerfile.',
    };
  const path =
    dockerfile === undefined
      ? undefined
      : dockerfile.startsWith('/')
        ? dockerfile
        : join(context, dockerfile);
  const hasFile = path === undefined || (await stat(path).catch(absent))?.isFile() === true;
  return hasFile
    ? undefined
    : {
        text: `there is no ${dockerfile} in ${show(context)}`,
        remedy: 'Write it, or name another with "dockerfile:".',
      };
}
