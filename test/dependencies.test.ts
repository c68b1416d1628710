import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import packageJson from '../package.json' with { type: 'json' };

const root = resolve(import.meta.dirname, '..');

test('docs/dependencies.md has a line for every dependency, and for nothing else', () => {
  const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
  const lines = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
  const { dependencies, devDependencies } = packageJson;
  assert.deepEqual(lines, [...Object.keys(dependencies), ...Object.keys(devDependencies)]);
});

test('no dependency that users install runs a script of its own', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; hasInstallScript?: boolean }>;
  };
  const scripted = Object.entries(lock.packages)
    .filter(([name, entry]) => name !== '' && entry.dev !== true && entry.hasInstallScript === true)
    .map(([name]) => name);
  assert.deepEqual(scripted, []);
});
