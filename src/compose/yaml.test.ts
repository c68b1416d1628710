import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { locate } from '../problems.ts';
import { type MapNode, placeAt, toJson } from './node.ts';
import { parseYaml } from './yaml.ts';

const parse = (text: string) => parseYaml({ path: '/x.yaml', name: 'x.yaml', text });
const root = (text: string) => parse(text).documents[0]?.root;
const json = (text: string) => {
  const node = root(text);
  return node === undefined ? undefined : toJson(node);
};
const messages = (text: string) =>
  parse(text).problems.map(({ message, line, column }) => `${line}:${column} ${message}`);

test('a merge key fills in what the map itself does not say; of several maps the first wins', () => {
  const text = 'a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n';
  assert.deepEqual(json(text), { a: { x: 1, y: 1 }, b: { y: 2, z: 2 }, c: { x: 3, y: 1, z: 2 } });
});

test('a quoted << is a key like any other', () => {
  assert.deepEqual(json('"<<": {a: 1}'), { '<<': { a: 1 } });
});

test('words that YAML 1.1 took for truth values are text, as in Docker Compose', () => {
  assert.deepEqual(json('[yes, no, on, off, y, true, ~, 0777, 0o17, 22:22, 1_000, .5, "1", 1.10]'), [
    ...['yes', 'no', 'on', 'off', 'y'],
    ...[true, null, 511, 15, '22:22', 1000, 0.5, '1', 1.1],
  ]);
});

test('every value and key knows its place', () => {
  const node = root('services:\n  web:\n    ports:\n      - "80"\n      - x: é\n        y: 1\n') as MapNode;
  const at = (path: (string | number)[], what?: 'key') => {
    const { line, column } = locate(placeAt(node, path, what));
    return [line, column];
  };
  assert.deepEqual(at(['services', 'web', 'ports', 0]), [4, 9]);
  assert.deepEqual(at(['services', 'web', 'ports', 1, 'y'], 'key'), [6, 9]);
  assert.deepEqual(at(['services', 'web', 'nothing']), [3, 5]);
});

test('!reset takes a key away and !override is noted, also below a merge key', () => {
  const [document] = parse(
    'a: !reset null\nb: !override [1]\nx: &x {c: !reset {}}\ny: {<<: *x, d: 1}\n',
  ).documents;
  assert.deepEqual(document?.root && toJson(document.root), { b: [1], x: {}, y: { d: 1 } });
  assert.deepEqual(document?.replaced, [['a'], ['b'], ['x', 'c'], ['y', 'c']]);
});

test('wrong YAML is a problem with its place, and never an exception', () => {
  assert.match(messages('a: [1\nb: 2')[0] ?? '', /^\d+:\d+ not valid YAML/);
  assert.deepEqual(messages('a: 1\na: 2'), ['2:1 the key "a" stands here twice']);
  assert.match(messages('a: &a [*a]')[0] ?? '', /stands inside what it names/);
  assert.match(messages('a: *nobody')[0] ?? '', /nobody/);
  assert.match(messages('? [1]\n: 2')[0] ?? '', /a key must be a word/);
});

test('aliases that expand to billions of nodes are stopped', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 12; level++)
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  assert.match(messages(lines.join('\n'))[0] ?? '', /too large/);
});

test('any text between quotes comes through verbatim', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) =>
      assert.equal(json(`a: ${JSON.stringify(text)}`)?.['a' as never], text),
    ),
  );
});

test('no plain scalar makes the parser throw, and what it gives is text, number, truth value or nothing', () => {
  const pieces = fc.constantFrom(...'0123456789+-._eExobaftrunly~:, '.split(''));
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (list) => {
      for (const { root: node } of parse(`a: ${list.join('')}`).documents)
        if (node !== undefined) toJson(node);
    }),
  );
});

test('no text at all makes the parser throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => void parse(text)));
});
