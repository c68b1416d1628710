import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Heard } from './inputs.ts';
import { emptyBook, type GenerationBook } from './lingering.ts';

/** What the edge loop remembers across its own restarts. */
export interface EdgeSnapshot {
  readonly version: 1;
  readonly heard: Heard;
  /** Addresses that get requests. */
  readonly admitted: readonly string[];
  readonly book: GenerationBook;
}

/** @returns undefined when there is none or it cannot be read: then the catalog has to be waited for. */
export async function readSnapshot(path: string): Promise<EdgeSnapshot | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<EdgeSnapshot>;
    if (value.version !== 1 || typeof value.heard?.instances !== 'object') return undefined;
    return { version: 1, heard: value.heard, admitted: value.admitted ?? [], book: value.book ?? emptyBook };
  } catch {
    return undefined;
  }
}

/** Replaces the snapshot: written aside, synced, renamed. */
export async function writeSnapshot(path: string, snapshot: EdgeSnapshot): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(snapshot));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
