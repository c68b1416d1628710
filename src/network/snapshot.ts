import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a JSON file: written aside, forced to the disk, renamed. */
export async function writeSnapshot(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const aside = `${path}.new`;
  const file = await open(aside, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(value));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
}

/**
 * What {@link writeSnapshot} wrote. A file that is missing or damaged is `undefined`: a snapshot only bridges the time
 * until the truth is known again.
 */
export async function readSnapshot<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
