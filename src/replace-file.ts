import { open, rename, rm } from 'node:fs/promises';

/**
 * Replaces a file as a whole: written aside, synced, renamed. Whoever reads it sees the old or the new one, also after a power
 * cut.
 * @param aside default: the path and `.new`; another one where several programs replace the same file.
 * @throws what the disk said; the old file is as it was then.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode: number,
  aside = `${path}.new`,
): Promise<void> {
  try {
    const file = await open(aside, 'w', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    // On a full disk it must not take what little there is.
    await rm(aside, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Makes what was renamed into a folder, or removed from it, last through a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
