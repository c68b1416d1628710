import { createHash, type Hash } from 'node:crypto';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { ServiceModel } from '../compose/index.ts';
import { COUNTED_MODE, walkFolder } from './contents.ts';
import { parseIgnoreRules } from './ignore-rules.ts';

/**
 * Files of a build context that `.dockerignore` (or `DOCKERFILE.dockerignore`) leaves in, sorted, relative with `/`. The
 * Dockerfile and `.dockerignore` are always there. Throws what the file system throws, and SeawallError `input` for a wrong rule.
 */
export async function listContextFiles(context: string, dockerfile: string): Promise<readonly string[]> {
  const [ownFile, sharedFile] = [join(context, `${dockerfile}.dockerignore`), join(context, '.dockerignore')];
  const own = await readText(ownFile);
  const rules =
    own === undefined
      ? parseIgnoreRules((await readText(sharedFile)) ?? '', sharedFile)
      : parseIgnoreRules(own, ownFile);
  const always = new Set([dockerfile, '.dockerignore']);
  const files: string[] = [];
  const isSkipped = (path: string) =>
    rules.ignoresWhole(path) && ![...always].some((file) => file.startsWith(`${path}/`));
  for await (const { path } of walkFolder(context, isSkipped)) {
    if (always.has(path) || !rules.ignores(path)) files.push(path);
  }
  return files;
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** sha256 over everything that decides what a build makes: sources with their modes, the Dockerfile, the options. Where the context lies does not count. */
export async function hashBuildSources(
  build: NonNullable<ServiceModel['build']>,
  platform: string | undefined,
): Promise<string> {
  const { context, tags: _tags, cache_from: _from, cache_to: _to, no_cache: _noCache, ...options } = build;
  const further = Object.entries(build.additional_contexts ?? {}).sort();
  const local = further.filter(([, path]) => isAbsolute(path));
  const dockerfile = build.dockerfile ?? 'Dockerfile';
  const hash = createHash('sha256').update(
    `${JSON.stringify(sortKeys({ ...options, ...named(further), platform: platform ?? '' }))}\0`,
  );
  if (build.dockerfile_inline === undefined && (isAbsolute(dockerfile) || dockerfile.startsWith('..'))) {
    hash.update(await readFile(isAbsolute(dockerfile) ? dockerfile : join(context, dockerfile)));
  }
  await hashFiles(hash, context, dockerfile);
  for (const [name, path] of local) {
    hash.update(`context ${name}\0`);
    await hashFiles(hash, path, dockerfile);
  }
  return hash.digest('hex');
}

/** Where a further context lies does not count either. */
const named = (contexts: readonly (readonly [string, string])[]) =>
  contexts.length === 0
    ? {}
    : { additional_contexts: contexts.map(([name, path]) => [name, isAbsolute(path) ? '' : path]) };

async function hashFiles(hash: Hash, context: string, dockerfile: string): Promise<void> {
  for (const path of await listContextFiles(context, dockerfile)) {
    const file = join(context, path);
    const stats = await lstat(file);
    const content = stats.isSymbolicLink()
      ? await readlink(file)
      : stats.isFile()
        ? await readFile(file)
        : '';
    hash
      .update(
        `${stats.isSymbolicLink() ? 'link' : 'file'} ${(stats.mode & COUNTED_MODE).toString(8)} ${content.length} ${path}\0`,
      )
      .update(content);
  }
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
