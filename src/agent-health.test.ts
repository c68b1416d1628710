import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { healthCheck } from './agent-container.ts';
import { writeHealth } from './agent-health.ts';

function check(path: string): Promise<{ readonly code: number; readonly stdout: string }> {
  const [program = '', ...rest] = healthCheck(path);
  return new Promise((resolve) => {
    execFile(program, rest, (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout }),
    );
  });
}

test('a program is well while it says so; one that hangs, is unwell or says nothing is not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-health-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'health; $(touch pwned)');
  assert.equal((await check(path)).code, 1, 'nothing said yet');
  await writeHealth([], path);
  assert.deepEqual(await check(path), { code: 0, stdout: '' });
  await writeHealth(['names: the resolver\ndoes not listen yet', 'catalog: away'], path);
  const unwell = await check(path);
  assert.deepEqual(unwell, { code: 1, stdout: 'names: the resolver does not listen yet\ncatalog: away\n' });
  await writeHealth([], path);
  const before = new Date(Date.now() - 60_000);
  await utimes(path, before, before);
  const hangs = await check(path);
  assert.equal(hangs.code, 1);
  assert.match(hangs.stdout, /no sign of life for 6\d s/);
});
