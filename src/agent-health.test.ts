import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readHealth, writeHealth } from './agent-health.ts';

test('a program is well while it says so; one that hangs or says nothing is not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-health-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'health.json');
  assert.equal((await readHealth(path)).length, 1, 'nothing said yet');
  await writeHealth([], path);
  assert.deepEqual(await readHealth(path), []);
  await writeHealth(['names: the resolver does not listen yet'], path);
  assert.deepEqual(await readHealth(path), ['names: the resolver does not listen yet']);
  await writeFile(path, JSON.stringify({ at: Date.now() - 60_000, problems: [] }));
  assert.match((await readHealth(path)).join(), /no sign of life for 60 s/);
  await writeFile(path, '{');
  assert.equal((await readHealth(path)).length, 1);
});
