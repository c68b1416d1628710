import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { newestSnapshot } from '../catalog/index.ts';
import type { OwnView } from './view.ts';

type Snapshot = NonNullable<NonNullable<OwnView['host']>['snapshot']>;

/** The newest snapshot of the catalog in a folder, by its name alone; undefined: there is none, or no such folder. */
export async function ownSnapshot(folder: string): Promise<Snapshot | undefined> {
  try {
    const newest = newestSnapshot(await readdir(folder));
    if (newest === undefined) return undefined;
    return { index: newest.index, writtenMs: (await stat(join(folder, newest.name))).mtimeMs };
  } catch {
    // Gone between the two looks, or never made: the next scrape sees.
    return undefined;
  }
}
