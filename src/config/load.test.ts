import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { renderProblems } from '../problems.ts';
import { type LoadOptions, loadProject } from './load.ts';

/*
 * Golden projects: a folder with a Compose file, perhaps a seawall.yml, and either `desired.json` or `problems.txt`.
 * UPDATE_GOLDEN=1 writes what the code makes of them; read the difference before you commit it.
 */

const folder = resolve(import.meta.dirname, '../../test/golden/project');

const options = (cwd: string, more: Partial<LoadOptions> = {}): LoadOptions => ({
  files: [],
  cwd,
  env: { PW: 'correct horse' },
  ...more,
});

function compareGolden(path: string, actual: string): void {
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, actual);
  assert.equal(actual, existsSync(path) ? readFileSync(path, 'utf8') : '');
}

for (const name of readdirSync(folder)) {
  test(`the golden project ${name} is understood as recorded`, async () => {
    const cwd = join(folder, name);
    const { value, problems } = await loadProject(options(cwd));
    const portable = (text: string) => text.replaceAll(cwd, '/PROJECT').replaceAll(folder, '/PARENT');
    const isWrong = existsSync(join(cwd, 'problems.txt')) || value === undefined;
    if (isWrong)
      compareGolden(join(cwd, 'problems.txt'), portable(renderProblems(problems, { colour: false })));
    else compareGolden(join(cwd, 'desired.json'), portable(`${JSON.stringify(value, null, 2)}\n`));
  });
}
