import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderCliReference } from './reference.ts';

test('docs/reference/cli.md says what the commands say of themselves', async () => {
  const file = join(import.meta.dirname, '../../docs/reference/cli.md');
  const page = await renderCliReference();
  if (process.env.UPDATE_GOLDEN === '1') await writeFile(file, page);
  assert.equal(await readFile(file, 'utf8'), page);
});
