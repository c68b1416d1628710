import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { State } from './state.ts';
import type { Commit, TableName } from './tables.ts';

export const JOURNAL_FILE = 'journal';
export const SNAPSHOT_FILE = 'snapshot';
/** The journal is folded into the snapshot when it is longer than this and than twice the snapshot. */
const COMPACT_BYTES = 4 * 1024 * 1024;

const TABLE_NAMES: readonly TableName[] = ['node', 'service', 'check', 'ttl', 'kv', 'session'];

/** A line of both files: CRC-32 of the JSON in hex, a blank, the JSON. */
export function encodeLine(value: unknown): string {
  const json = JSON.stringify(value);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/**
 * Makes commits durable. What is appended while a write is under way goes into the next one, as a single line: one fsync
 * for all of them, and after a power loss at most the last line is torn.
 */
export class Journal {
  readonly #dir: string;
  readonly #state: State;
  readonly #onFailure: (error: unknown) => void;
  #file: FileHandle;
  #bytes: number;
  #snapshotBytes: number;
  #pending: Commit[] = [];
  #flush: Promise<void> | undefined;
  #failure: unknown;

  /** Use {@link openJournal}. */
  constructor(
    dir: string,
    state: State,
    file: FileHandle,
    sizes: JournalSizes,
    onFailure: (error: unknown) => void,
  ) {
    this.#dir = dir;
    this.#state = state;
    this.#file = file;
    this.#bytes = sizes.journal;
    this.#snapshotBytes = sizes.snapshot;
    this.#onFailure = onFailure;
  }

  append(commit: Commit): void {
    // A line behind one that was written in part would look like damage in the middle.
    if (this.#failure !== undefined) return;
    this.#pending.push(commit);
    this.#flush ??= this.#flushAll();
  }

  /** Resolves when everything appended so far is on the disk. @throws what the disk said, from then on for ever. */
  async durable(): Promise<void> {
    await this.#flush;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await this.#flush;
    await this.#file.close();
  }

  async #flushAll(): Promise<void> {
    // Behind the requests that have arrived together, so that they share the write.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.#pending.length > 0) {
        const line = encodeLine(this.#pending.splice(0));
        await this.#file.appendFile(line);
        await this.#file.datasync();
        this.#bytes += Buffer.byteLength(line);
        if (this.#bytes > Math.max(COMPACT_BYTES, 2 * this.#snapshotBytes)) await this.#compact();
      }
    } catch (error) {
      // Memory is now ahead of the disk: nothing may be confirmed any more.
      this.#failure = error;
      this.#onFailure(error);
    } finally {
      this.#flush = undefined;
    }
  }

  /** Commits that wait for their line are in the snapshot already; their lines are skipped when it is read. */
  async #compact(): Promise<void> {
    this.#snapshotBytes = await writeSnapshot(this.#dir, this.#state);
    await this.#file.truncate(0);
    await this.#file.sync();
    this.#bytes = 0;
  }
}

export interface JournalSizes {
  readonly journal: number;
  readonly snapshot: number;
}

/** Writes aside, syncs and renames. @returns its bytes. */
export async function writeSnapshot(dir: string, state: State): Promise<number> {
  const lines: string[] = [];
  for (const table of TABLE_NAMES) {
    for (const [id, row] of state.entries(table)) lines.push(encodeLine({ table, id, row }));
  }
  const text = encodeLine({ version: 1, index: state.index, rows: lines.length }) + lines.join('');
  const aside = join(dir, `${SNAPSHOT_FILE}.new`);
  const file = await open(aside, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, join(dir, SNAPSHOT_FILE));
  await syncDirectory(dir);
  return Buffer.byteLength(text);
}

export async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
