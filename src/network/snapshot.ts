import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replaceFile } from '../replace-file.ts';

/** Replaces a JSON file: written aside, forced to the disk, renamed. */
export async function writeSnapshot(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, JSON.stringify(value), 0o600);
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
