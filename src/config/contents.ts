import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { ContentFact, ContentRefusal } from '../compose/index.ts';

/** Largest file or folder that is sent to the hosts as a mount; larger things belong into an image or a volume. */
const MOST_BYTES = 5 * 1024 * 1024;
const MOST_FILES = 200;

/** Write permission of group and others depends on the umask of whoever cloned the project, and tells nothing apart. */
export const COUNTED_MODE = 0o755;

const VOLUME_REMEDY = 'Use a named volume for data, or copy the files into the image.';

/** What a path holds, or why it cannot be sent. A bind must lie in the project's folder; a config or secret may be any file. */
export async function readContent(
  path: string,
  folder: string,
  what: 'bind' | 'file',
  show: (path: string) => string,
): Promise<ContentFact | ContentRefusal> {
  if (/(^|\/)docker\.sock$/.test(path)) return DOCKER_SOCKET;
  const real = await realpath(path).catch(absent);
  const root = await realpath(folder).catch(() => folder);
  const isInside = (own: string) => own === root || own.startsWith(root + sep);
  if (what === 'bind' && !isInside(real ?? path)) {
    const remedy = `Move it into the project. ${VOLUME_REMEDY}`;
    return { text: `${show(path)} lies outside of the project's folder`, remedy };
  }
  const missing = what === 'bind' ? VOLUME_REMEDY : 'Create the file.';
  if (real === undefined) return { text: `${show(path)} does not exist`, remedy: missing };
  const stats = await lstat(real);
  if (stats.isFile())
    return stats.size > MOST_BYTES ? tooLarge(show(path)) : readSingle(real, stats.mode & COUNTED_MODE);
  if (stats.isDirectory() && what === 'bind') return readTree(show(path), real);
  return { text: `${show(path)} is not a file`, remedy: 'Name a file.' };
}

/** Makes of the error of a path that is not there `undefined`. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}

const DOCKER_SOCKET: ContentRefusal = {
  text: "the host's Docker socket is refused: it gives power over the host",
  remedy: 'Remove it. Services are found by name, and routes are made in seawall.yml.',
};

async function readSingle(real: string, mode: number): Promise<ContentFact> {
  const bytes = await readFile(real);
  const hash = createHash('sha256')
    .update(`file ${mode.toString(8)}\0`)
    .update(bytes)
    .digest('hex');
  return { kind: 'file', mode, bytes: bytes.length, hash };
}

const tooLarge = (path: string): ContentRefusal => ({
  text: `${path} is larger than what is sent to the hosts (${MOST_BYTES / 1024 ** 2} MiB, ${MOST_FILES} files)`,
  remedy: VOLUME_REMEDY,
});

async function readTree(path: string, real: string): Promise<ContentFact | ContentRefusal> {
  const hash = createHash('sha256').update('tree\0');
  let [bytes, files] = [0, 0];
  for await (const file of walkFolder(real)) {
    if (++files > MOST_FILES) return tooLarge(path);
    const stats = await lstat(join(real, file.path));
    bytes += stats.size;
    if (bytes > MOST_BYTES) return tooLarge(path);
    const isLink = stats.isSymbolicLink();
    if (!isLink && !stats.isFile())
      return { text: `${join(path, file.path)} is neither a file nor a folder`, remedy: 'Remove it.' };
    const content = isLink ? await readlink(join(real, file.path)) : await readFile(join(real, file.path));
    hash
      .update(
        `${isLink ? 'link' : 'file'} ${(stats.mode & COUNTED_MODE).toString(8)} ${content.length} ${file.path}\0`,
      )
      .update(content);
  }
  if (files === 0) return { text: `${path} is empty`, remedy: VOLUME_REMEDY };
  return { kind: 'tree', bytes, hash: hash.digest('hex') };
}

/** Files and links below a folder, sorted by path; `/` between the parts. */
export async function* walkFolder(
  root: string,
  isSkipped: (path: string) => boolean = () => false,
  below = '',
): AsyncGenerator<{ readonly path: string }> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!isSkipped(path)) yield* walkFolder(root, isSkipped, path);
    } else yield { path };
  }
}

/** How a path is shown: relative where that is shorter. */
export function showFile(cwd: string, path: string): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith(`..${sep}..`) ? path : short;
}
