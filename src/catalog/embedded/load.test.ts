import assert from 'node:assert/strict';
import { appendFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SeawallError } from '../../errors.ts';
import { encodeLine, JOURNAL_FILE, Journal, SNAPSHOT_FILE, writeSnapshot } from './journal.ts';
import { openJournal } from './load.ts';
import type { State } from './state.ts';

async function scratch(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'seawall-journal-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const unexpected = (error: unknown): void => assert.fail(String(error));

/** Opens, writes the keys one by one, and closes. */
async function write(dir: string, keys: readonly string[], value = 'eA=='): Promise<void> {
  const { state, journal } = await openJournal(dir, unexpected);
  for (const key of keys) {
    const commit = state.stamp([
      { table: 'kv', id: key, row: { LockIndex: 0, Key: key, Flags: 0, Value: value } },
    ]);
    if (commit === undefined) continue;
    state.apply(commit);
    journal.append(commit);
    await journal.durable();
  }
  await journal.close();
}

async function read(dir: string): Promise<State> {
  const { state, journal } = await openJournal(dir, unexpected);
  await journal.close();
  return state;
}

const keysOf = (state: State): string[] => state.rows('kv').map((row) => row.Key);

test('what was written is there after a restart, with the same indexes', async (t) => {
  const dir = await scratch(t);
  await write(dir, ['a', 'b', 'c']);
  const state = await read(dir);
  assert.deepEqual(keysOf(state), ['a', 'b', 'c']);
  assert.deepEqual(
    state.rows('kv').map((row) => row.ModifyIndex),
    [2, 3, 4],
  );
  assert.equal(state.index, 4);
});

test('a torn last line, as a power loss leaves it, is dropped and written over', async (t) => {
  const dir = await scratch(t);
  await write(dir, ['a', 'b']);
  const path = join(dir, JOURNAL_FILE);
  const whole = (await stat(path)).size;
  const line = encodeLine([{ index: 9, changes: [] }]);
  for (const torn of [line.slice(0, -1), line.slice(0, 5), `${'\0'.repeat(40)}`, line.replace('9', '8')]) {
    await truncate(path, whole);
    await appendFile(path, torn);
    assert.deepEqual(keysOf(await read(dir)), ['a', 'b'], torn);
    assert.equal((await stat(path)).size, whole);
  }
  await write(dir, ['c']);
  assert.deepEqual(keysOf(await read(dir)), ['a', 'b', 'c']);
});

test('damage in the middle is refused with file and line, never repaired in silence', async (t) => {
  const dir = await scratch(t);
  await write(dir, ['a', 'b', 'c']);
  const path = join(dir, JOURNAL_FILE);
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"Key":"b"', '"Key":"B"'));
  await assert.rejects(
    read(dir),
    (error: unknown) =>
      error instanceof SeawallError &&
      error.code === 'refused' &&
      /journal is damaged in line 2/.test(error.message),
  );
  await writeFile(path, text);
  await writeSnapshot(dir, await read(dir));
  const snapshot = join(dir, SNAPSHOT_FILE);
  const lines = await readFile(snapshot, 'utf8');
  for (const damaged of [
    lines.slice(0, -30),
    lines.replace('"Key":"a"', '"Key":"z"'),
    lines.slice(0, lines.lastIndexOf('\n', lines.length - 2) + 1),
  ]) {
    await writeFile(snapshot, damaged);
    await assert.rejects(
      read(dir),
      (error: unknown) => error instanceof SeawallError && error.code === 'refused',
    );
  }
});

test('a crash between snapshot and truncated journal applies nothing twice', async (t) => {
  const dir = await scratch(t);
  await write(dir, ['a', 'b']);
  await writeSnapshot(dir, await read(dir));
  assert.ok((await stat(join(dir, JOURNAL_FILE))).size > 0);
  await writeFile(join(dir, `${SNAPSHOT_FILE}.new`), 'half a snapsh');
  const state = await read(dir);
  assert.deepEqual([keysOf(state), state.index], [['a', 'b'], 3]);
});

test('the journal is folded into the snapshot before it grows without bound', async (t) => {
  const dir = await scratch(t);
  const value = Buffer.alloc(300_000, 'x').toString('base64');
  for (let round = 0; round < 4; round += 1)
    await write(dir, ['big1', 'big2', 'big3', 'big4', 'big5'], `${round}AAA${value}`);
  assert.ok((await stat(join(dir, SNAPSHOT_FILE))).size > 0);
  assert.ok((await stat(join(dir, JOURNAL_FILE))).size < 5 * 1024 * 1024);
  const state = await read(dir);
  assert.equal(state.rows('kv').length, 5);
  assert.ok(state.rows('kv').every((row) => row.Value?.startsWith('3AAA')));
});

test('the files can be read by their owner only', async (t) => {
  const dir = await scratch(t);
  await write(join(dir, 'data'), ['a']);
  await writeSnapshot(join(dir, 'data'), await read(join(dir, 'data')));
  const modes = await Promise.all(
    ['', JOURNAL_FILE, SNAPSHOT_FILE].map(async (name) =>
      ((await stat(join(dir, 'data', name))).mode & 0o777).toString(8),
    ),
  );
  assert.deepEqual(modes, ['700', '600', '600']);
});

test('what came while the disk was full is on it soon after it has room again, and what was refused was not confirmed', async (t) => {
  const dir = await scratch(t);
  await write(dir, ['a']);
  const path = join(dir, JOURNAL_FILE);
  const { state, journal: first } = await openJournal(dir, unexpected);
  await first.close();
  const file = await open(path, 'a');
  let full = true;
  // A disk that is full in the middle of a line, and has room again later.
  const disk = new Proxy(file, {
    get(target, name) {
      if (name === 'appendFile') {
        return async (text: string): Promise<void> => {
          await target.appendFile(full ? text.slice(0, 10) : text);
          if (full) throw new Error('no space left');
        };
      }
      if (name === 'truncate' && full) return async () => assert.fail('no space left');
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const said: unknown[] = [];
  const recovered = Promise.withResolvers<void>();
  const onTrouble = (error: unknown): void => {
    said.push(error);
    if (error === undefined) recovered.resolve();
  };
  const sizes = { journal: 0, snapshot: 0 };
  const journal = new Journal({ dir, state, file: disk, sizes, onTrouble });
  const put = (key: string): void => {
    const commit = state.stamp([
      { table: 'kv', id: key, row: { LockIndex: 0, Key: key, Flags: 0, Value: 'eA==' } },
    ]);
    assert.ok(commit);
    state.apply(commit);
    journal.append(commit);
  };
  put('b');
  await assert.rejects(journal.durable(), /no space/);
  put('c');
  assert.match(String(journal.failure), /no space/);
  full = false;
  await recovered.promise;
  put('d');
  await journal.durable();
  await journal.close();
  assert.equal(said.length, 2);
  assert.deepEqual(keysOf(await read(dir)), ['a', 'b', 'c', 'd']);
});
