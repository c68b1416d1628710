import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import {
  ambientReads,
  importsOf,
  impureImports,
  type Source,
  sideDoorImports,
  unrankedFolders,
  upwardImports,
} from './import-rules.ts';

const root = resolve(import.meta.dirname, '..');

const sources: Source[] = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .sort()
  .map((name) => ({ file: `src/${name}`, text: readFileSync(join(root, 'src', name), 'utf8') }));

test('every folder of src has a rank', () => {
  assert.deepEqual(unrankedFolders(sources), []);
});

test('imports go downward only, and doers do not import doers', () => {
  assert.deepEqual(upwardImports(sources), []);
});

test('a folder is entered by its index', () => {
  assert.deepEqual(sideDoorImports(sources), []);
});

test('what only computes touches nothing', () => {
  assert.deepEqual(impureImports(sources), []);
});

test('what only computes gets clock, chance and surroundings as parameters', () => {
  assert.deepEqual(ambientReads(sources), []);
});

const one = (file: string, ...lines: string[]): Source[] => [{ file, text: lines.join('\n') }];

test('a file in a new folder has to be given a rank', () => {
  assert.deepEqual(unrankedFolders(one('src/firewall/rules.ts', '')), ['firewall']);
});

test('every form of import is seen, at its line', () => {
  const text = [
    "import { a } from './a.ts';",
    'import {',
    '  type B,',
    '  b,',
    "} from './b.ts';",
    "import './c.ts';",
    "export * from './d.ts';",
    "export { e } from './e.ts';",
    "const f = await import('./f.ts');",
    "import type { G } from './g.ts';",
  ].join('\n');
  assert.deepEqual(
    importsOf(text).map(({ from, line, isType }) => `${from}:${line}${isType ? ' type' : ''}`),
    ['./a.ts:1', './b.ts:5', './c.ts:6', './d.ts:7', './e.ts:8', './f.ts:9', './g.ts:10 type'],
  );
});

test('an import upward, of another doer, of a test or of package.json fails with its place', () => {
  assert.deepEqual(upwardImports(one('src/plan/diff.ts', '', "import { run } from '../hosts/index.ts';")), [
    'src/plan/diff.ts:2 imports ../hosts/index.ts',
  ]);
  assert.equal(upwardImports(one('src/edge/a.ts', "import '../network/index.ts';")).length, 1);
  assert.equal(
    upwardImports(one('src/edge-container.ts', "import type { A } from './edge/index.ts';")).length,
    1,
  );
  assert.equal(upwardImports(one('src/cli/a.ts', "import '../main.ts';")).length, 1);
  assert.equal(upwardImports(one('src/cli/a.ts', "import '../../test/golden-file.ts';")).length, 1);
  assert.equal(upwardImports(one('src/rollout/a.ts', "import p from '../../package.json';")).length, 1);
  assert.deepEqual(upwardImports(one('src/cli/version.ts', "import p from '../../package.json';")), []);
  assert.deepEqual(upwardImports(one('src/agent.ts', "import { a } from './agent-loops.ts';")), []);
});

test('an import past an index fails with its place', () => {
  assert.deepEqual(sideDoorImports(one('src/rollout/swap.ts', "import { D } from '../hosts/docker.ts';")), [
    'src/rollout/swap.ts:1 imports ../hosts/docker.ts',
  ]);
  assert.deepEqual(sideDoorImports(one('src/edge/a.ts', "import { KEY } from '../catalog/record.ts';")), []);
});

test('a computation that reaches a module of Node fails, also through another file', () => {
  const deep = [
    { file: 'src/plan/diff.ts', text: "import { sha256 } from '../hash.ts';" },
    { file: 'src/hash.ts', text: "import { createHash } from 'node:crypto';" },
  ];
  assert.deepEqual(impureImports(deep), ['src/plan/diff.ts:1 imports ../hash.ts']);
  assert.deepEqual(impureImports(one('src/edge/render.ts', "import { join } from 'node:path';")), []);
  assert.deepEqual(impureImports(one('src/edge/render.ts', "import { readFile } from 'node:fs/promises';")), [
    'src/edge/render.ts:1 imports node:fs/promises',
  ]);
});

test('a computation that reads the clock fails with its place', () => {
  assert.deepEqual(ambientReads(one('src/plan/place.ts', 'const now = Date.now();')), [
    'src/plan/place.ts:1 uses Date.now(',
  ]);
});
