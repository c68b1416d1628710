import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { SeawallError } from '../../errors.ts';
import { syncFolder } from '../../replace-file.ts';
import { JOURNAL_FILE, Journal, SNAPSHOT_FILE } from './journal.ts';
import { State } from './state.ts';
import type { Change, Commit } from './tables.ts';

/**
 * Reads the directory back (and makes it when it is not there). A torn last line of the journal was never confirmed to
 * anybody and is cut off; damage anywhere else is not repaired.
 * @throws SeawallError `refused` on damage, naming file and line.
 */
export async function openJournal(
  dir: string,
  onTrouble: (error: unknown) => void,
): Promise<{ readonly state: State; readonly journal: Journal }> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const state = new State();
  const snapshot = await readIfThere(join(dir, SNAPSHOT_FILE));
  if (snapshot.length > 0) loadSnapshot(snapshot, join(dir, SNAPSHOT_FILE), state);
  const path = join(dir, JOURNAL_FILE);
  const good = replayJournal(await readIfThere(path), path, state);
  state.settle(state.index);
  const sizes = { journal: good, snapshot: snapshot.length };
  const opened = await openForAppending(path, good);
  return { state, journal: new Journal({ dir, state, sizes, onTrouble, ...opened }) };
}

/** A disk that is full or read-only does not keep what is on it from being served. */
async function openForAppending(
  path: string,
  good: number,
): Promise<{ readonly file: FileHandle } | { readonly failure: unknown }> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'a', 0o600);
    await file.truncate(good);
    await file.sync();
    await syncFolder(dirname(path));
    return { file };
  } catch (failure) {
    await file?.close();
    if (isDiskTrouble(failure)) return { failure };
    throw failure;
  }
}

/** What a disk says that may say something else later. */
const isDiskTrouble = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes(String(error.code));

function loadSnapshot(bytes: Buffer, path: string, state: State): void {
  const lines = splitLines(bytes);
  const header = decodeLine(lines[0]) as { version?: number; index?: number; rows?: number } | undefined;
  if (header?.version !== 1 || header.index === undefined) throw damaged(path, 1);
  if (header.rows !== lines.length - 1) throw damaged(path, lines.length);
  const changes = lines.slice(1).map((line, at): Change => {
    const change = decodeLine(line) as Change | undefined;
    if (change === undefined) throw damaged(path, at + 2);
    return change;
  });
  state.apply({ index: header.index, changes });
}

/** @returns the length of the good part in bytes. */
function replayJournal(bytes: Buffer, path: string, state: State): number {
  const lines = splitLines(bytes);
  let good = 0;
  for (const [at, line] of lines.entries()) {
    const commits = decodeLine(line) as Commit[] | undefined;
    if (commits === undefined) {
      if (at === lines.length - 1) return good;
      throw damaged(path, at + 1);
    }
    for (const commit of commits) {
      if (commit.index > state.index) state.apply(commit);
    }
    good += line.length;
  }
  return good;
}

/** Lines with their newline; the last may lack it. */
function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  while (from < bytes.length) {
    const newline = bytes.indexOf(0x0a, from);
    const to = newline === -1 ? bytes.length : newline + 1;
    lines.push(bytes.subarray(from, to));
    from = to;
  }
  return lines;
}

function decodeLine(line: Buffer | undefined): unknown {
  if (line === undefined || line.at(-1) !== 0x0a || line[8] !== 0x20) return undefined;
  const json = line.subarray(9, -1);
  if (Number.parseInt(line.toString('latin1', 0, 8), 16) !== crc32(json)) return undefined;
  return JSON.parse(json.toString('utf8'));
}

const damaged = (path: string, line: number): SeawallError =>
  new SeawallError('refused', `the catalog's file ${path} is damaged in line ${line}`, {
    where: path,
    hint: 'Restore the directory from a backup. Or move it away: the agents register their services again; releases and hosts must then be written anew.',
  });

async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
