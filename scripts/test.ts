/**
 * `npm test`: builds, then unit, golden and property tests, then the core end-to-end tests on a lab of three hosts.
 * `npm run e2e`: the core ones alone; `-- --all`: every end-to-end test; `-- NAME …`: those whose file name holds NAME.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureEngine } from '../lab/engine.ts';
import { takeDownAllLabs } from '../lab/hosts.ts';
import { ensureImages } from '../lab/images.ts';

const { values, positionals } = parseArgs({
  options: { e2e: { type: 'boolean' }, all: { type: 'boolean' }, unit: { type: 'boolean' } },
  allowPositionals: true,
});

function testFiles(folder: string, accept: (path: string) => boolean): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith('.test.ts') && accept(path))
    .sort();
}

async function run(title: string, args: readonly string[]): Promise<boolean> {
  console.log(`\n── ${title}`);
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
}

const unit = [
  ...testFiles('src', () => true),
  ...testFiles('lab', () => true),
  ...testFiles('scripts', () => true),
  ...testFiles('test', (path) => !path.startsWith('test/e2e')),
];
const core = testFiles('test/e2e', (path) => path.startsWith('test/e2e/core'));
const every = testFiles('test/e2e', () => true);
const named = every.filter((path) => positionals.some((name) => path.includes(name)));
const e2e = named.length > 0 ? named : values.all ? every : core;

// Some tests beside the code need a real engine too.
await ensureEngine();
// Every process of an earlier run is dead there; what its labs left must not be in the way.
if (process.env.CI === 'true') await takeDownAllLabs();
await ensureImages();
const results: boolean[] = [await run('build', ['scripts/build.ts'])];
if (!values.e2e) results.push(await run('unit, golden and property tests', ['--test', ...unit]));
if (!values.unit && results.every(Boolean)) {
  results.push(await run('end to end, on real hosts', ['--test', '--test-concurrency=1', ...e2e]));
}
process.exit(results.every(Boolean) ? 0 : 1);
