import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { replaceFile, syncFolder } from '../../replace-file.ts';
import { pause, retryDelayMs } from '../../retry.ts';
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

export interface JournalOptions {
  readonly dir: string;
  readonly state: State;
  readonly sizes: JournalSizes;
  /** Absent: the disk refused already to open it. */
  readonly file?: FileHandle | undefined;
  /** Why there is no file. */
  readonly failure?: unknown;
  /** Called with what the disk said when it refuses, and with undefined when it writes again. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Makes commits durable. What is appended while a write is under way goes into the next one, as a single line: one fsync
 * for all of them, and after a power loss at most the last line is torn.
 *
 * A disk that refuses is tried again for ever. Until it gives way commits stay in memory alone; then all of them go into
 * one new snapshot.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #end = new AbortController();
  #file: FileHandle | undefined;
  #bytes: number;
  #snapshotBytes: number;
  #pending: Commit[] = [];
  #flush: Promise<void> | undefined;
  #failure: unknown;
  #recovery: Promise<void> | undefined;
  #isRecovering = false;

  /** Use {@link openJournal}. */
  constructor(options: JournalOptions) {
    this.#options = options;
    this.#file = options.file;
    this.#bytes = options.sizes.journal;
    this.#snapshotBytes = options.sizes.snapshot;
    if (options.file === undefined) this.#fail(options.failure);
  }

  /** What the disk said when it last refused; undefined while it writes. */
  get failure(): unknown {
    return this.#failure;
  }

  append(commit: Commit): void {
    // A line behind one that was written in part would look like damage in the middle.
    if (this.#failure !== undefined && !this.#isRecovering) return;
    this.#pending.push(commit);
    if (this.#failure === undefined) this.#startFlush();
  }

  #startFlush(): void {
    if (this.#flush !== undefined || this.#pending.length === 0) return;
    this.#flush = this.#flushAll();
    // Told to those who wait for it; the failure itself was reported.
    this.#flush.catch(() => undefined);
  }

  /** Resolves when everything appended so far is on the disk. @throws what the disk said to that. */
  async durable(): Promise<void> {
    await this.#flush;
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#flush?.catch(() => undefined);
    await this.#recovery;
    await this.#file?.close();
  }

  async #flushAll(): Promise<void> {
    // Behind the requests that have arrived together, so that they share the write.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.#pending.length > 0 && this.#file !== undefined) {
        const line = encodeLine(this.#pending.splice(0));
        await this.#file.appendFile(line);
        await this.#file.datasync();
        this.#bytes += Buffer.byteLength(line);
        if (this.#bytes > Math.max(COMPACT_BYTES, 2 * this.#snapshotBytes)) await this.#compact(this.#file);
      }
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#flush = undefined;
    }
  }

  #fail(error: unknown): void {
    this.#failure = error ?? new Error('the journal cannot be opened');
    this.#pending = [];
    this.#options.onTrouble(this.#failure);
    this.#recovery = this.#recover();
  }

  /** Memory is ahead of the disk: only a new snapshot brings them together. */
  async #recover(): Promise<void> {
    const { dir, onTrouble } = this.#options;
    for (let attempt = 1; !this.#end.signal.aborted; attempt += 1) {
      await pause(retryDelayMs(attempt), this.#end.signal);
      if (this.#end.signal.aborted) return;
      try {
        this.#file ??= await open(join(dir, JOURNAL_FILE), 'a', 0o600);
        // What comes from here on is not in the snapshot.
        this.#isRecovering = true;
        await this.#compact(this.#file);
        this.#failure = undefined;
        onTrouble(undefined);
        this.#startFlush();
        return;
      } catch (error) {
        this.#pending = [];
        this.#failure = error;
      } finally {
        this.#isRecovering = false;
      }
    }
  }

  /** Commits that wait for their line are in the snapshot already; their lines are skipped when it is read. */
  async #compact(file: FileHandle): Promise<void> {
    this.#snapshotBytes = await writeSnapshot(this.#options.dir, this.#options.state);
    await file.truncate(0);
    await file.sync();
    this.#bytes = 0;
  }
}

export interface JournalSizes {
  readonly journal: number;
  readonly snapshot: number;
}

/** The whole state as the snapshot file holds it. */
export function snapshotText(state: State): string {
  const lines: string[] = [];
  for (const table of TABLE_NAMES) {
    for (const [id, row] of state.entries(table)) lines.push(encodeLine({ table, id, row }));
  }
  return encodeLine({ version: 1, index: state.index, rows: lines.length }) + lines.join('');
}

/** Writes aside, syncs and renames. @returns its bytes. */
export async function writeSnapshot(dir: string, state: State): Promise<number> {
  const text = snapshotText(state);
  await replaceFile(join(dir, SNAPSHOT_FILE), text, 0o600);
  await syncFolder(dir);
  return Buffer.byteLength(text);
}
