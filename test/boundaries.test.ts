import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

/** Folders of src/ by rank; imports go to the same folder or to a lower rank. */
const RANKS: readonly (readonly string[])[] = [
  ['ground'],
  ['compose'],
  ['config'],
  ['plan'],
  ['hosts'],
  ['images', 'catalog', 'secrets'],
  ['rollout', 'registrar', 'network', 'edge', 'tasks'],
  ['cli'],
  ['entry'],
];
const ENTRIES = new Set(['main.ts', 'agent.ts']);

/** Files that only compute: they import no node: module but path and util. */
const PURE =
  /^(plan\/.*|labels\.ts|cluster\.ts|names\.ts|errors\.ts|problems\.ts|.*\/(record|desired|keys|merge|interpolate|render|rules|ranges|names|entries|health|workers|diff|traffic|view-text)\.ts)$/;
const PURE_MAY = new Set(['node:path', 'node:util']);
/** The same file name can stand for an effect elsewhere: the catalog's and the hosts' stores of these nouns. */
const EFFECTS = new Set(['src/edge/traffic.ts']);

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src');

interface Import {
  readonly file: string;
  readonly line: number;
  readonly from: string;
}

function importsOf(file: string): Import[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text, index) => {
      const from =
        /(?:^\s*(?:import|export)\b.*?from\s+|^\s*import\s+|^\}\s*from\s+|\bimport\()'([^']+)'/.exec(
          text,
        )?.[1];
      return from === undefined ? [] : [{ file, line: index + 1, from }];
    });
}

function folderOf(file: string): string {
  const [first, ...rest] = relative(source, file).split('/');
  if (first === undefined) throw new Error(`not below src: ${file}`);
  if (rest.length > 0) return first;
  return ENTRIES.has(first) ? 'entry' : 'ground';
}

const rankOf = (folder: string): number => RANKS.findIndex((rank) => rank.includes(folder));

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => join(source, name));

test('every folder of src has a rank', () => {
  const unranked = [...new Set(files.map(folderOf))].filter((folder) => rankOf(folder) === -1);
  assert.deepEqual(unranked, []);
});

test('imports go downward only, and doers do not import doers', () => {
  const offences = files.flatMap((file) =>
    importsOf(file)
      .filter(({ from }) => from.startsWith('.'))
      .filter(({ from }) => {
        const target = folderOf(resolve(dirname(file), from));
        return target !== folderOf(file) && rankOf(target) >= rankOf(folderOf(file));
      })
      .map(({ line, from }) => `${relative(root, file)}:${line} imports ${from}`),
  );
  assert.deepEqual(offences, []);
});

test('a folder is entered by its index', () => {
  const offences = files.flatMap((file) =>
    importsOf(file)
      .filter(({ from }) => from.startsWith('.') && !from.endsWith('.json'))
      .filter(({ from }) => {
        const target = resolve(dirname(file), from);
        const folder = folderOf(target);
        const inside =
          folder === folderOf(file) || folder === 'ground' || folder === 'entry' || folder === 'cli';
        return !inside && !/\/(index|record|desired)\.ts$/.test(target);
      })
      .map(({ line, from }) => `${relative(root, file)}:${line} imports ${from}`),
  );
  assert.deepEqual(offences, []);
});

test('what only computes touches nothing', () => {
  const offences = files
    .filter((file) => PURE.test(relative(source, file)) && !EFFECTS.has(relative(root, file)))
    .flatMap(importsOf)
    .filter(({ from }) => from.startsWith('node:') && !PURE_MAY.has(from))
    .map(({ file, line, from }) => `${relative(root, file)}:${line} imports ${from}`);
  assert.deepEqual(offences, []);
});
