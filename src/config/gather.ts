import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComposeModel, ContentFact, ContentRefusal } from '../compose/index.ts';
import { hashBuildSources } from './build-sources.ts';
import { readContent } from './contents.ts';

/** What is known of the files that a project names, for the pure translation. */
export interface Gathered {
  readonly contents: ReadonlyMap<string, ContentFact | ContentRefusal>;
  readonly sourceHashes: ReadonlyMap<string, string>;
}

/** Reads and hashes every bind, config, secret and build context of the active services, one after the other. */
export async function gatherFiles(
  model: ComposeModel,
  folder: string,
  show: (path: string) => string,
): Promise<Gathered> {
  const contents = new Map<string, ContentFact | ContentRefusal>();
  const sourceHashes = new Map<string, string>();
  for (const [path, what] of namedPaths(model))
    contents.set(path, await readContent(path, folder, what, show));
  for (const [name, service] of Object.entries(model.services)) {
    if (service.build === undefined || service.build.context.includes('://')) continue;
    const refusal = await missingBuild(service.build.context, service.build.dockerfile, show);
    if (refusal !== undefined) contents.set(service.build.context, refusal);
    else sourceHashes.set(name, await hashBuildSources(service.build, service.platform));
  }
  return { contents, sourceHashes };
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
    for (const volume of service.volumes ?? [])
      if (volume.type === 'bind' && volume.source !== undefined) paths.set(volume.source, 'bind');
  }
  return paths;
}

async function missingBuild(
  context: string,
  dockerfile: string | undefined,
  show: (path: string) => string,
): Promise<ContentRefusal | undefined> {
  const isFolder = await stat(context)
    .then((stats) => stats.isDirectory())
    .catch(() => false);
  if (!isFolder)
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
  const hasFile =
    path === undefined ||
    (await stat(path)
      .then((stats) => stats.isFile())
      .catch(() => false));
  return hasFile
    ? undefined
    : {
        text: `there is no ${dockerfile} in ${show(context)}`,
        remedy: 'Write it, or name another with "dockerfile:".',
      };
}
