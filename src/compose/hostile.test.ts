import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDotenv } from './dotenv.ts';
import { interpolate } from './interpolate.ts';
import { loadCompose } from './project.ts';

function messages(text: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  const read = (path: string) => (path === '/p/compose.yaml' ? text : undefined);
  const files = { home: '/home/user', show: (path: string) => path, read };
  const { problems } = loadCompose({ paths: ['/p/compose.yaml'], env, profiles: [] }, files);
  return problems.map(({ message }) => message);
}

test('variables inside variables end with an error, never with the stack', () => {
  const deep = `${'${A:-'.repeat(5000)}x${'}'.repeat(5000)}`;
  assert.deepEqual(interpolate(deep, () => undefined).errors, [
    'variables stand inside each other too deeply',
  ]);
  assert.equal(parseDotenv(`A=${deep}`, () => undefined).errors.length, 1);
  const fine = `${'${A:-'.repeat(50)}x${'}'.repeat(50)}`;
  assert.equal(interpolate(fine, () => undefined).text, 'x');
});

test('a file that nests or repeats itself without end is one problem, said once', () => {
  const levels200 = 'lists and maps stand inside each other more than 200 levels deep';
  for (const levels of [201, 5000, 50_000]) {
    assert.deepEqual(messages(`x-a: ${'{a: '.repeat(levels)}1${'}'.repeat(levels)}`), [levels200]);
    assert.deepEqual(messages(`x-a: ${'['.repeat(levels)}`), [levels200]);
  }
  const levels = Array.from({ length: 30 }, (_, level) => {
    const below = level === 0 ? '*a' : `*m${level - 1}, *m${level - 1}`;
    return `x-${level}: &m${level} {<<: [${below}], k${level}: 1}\n`;
  });
  const laughs = `x-a: &a {k: 1}\n${levels.join('')}services: {a: {image: i, labels: *m29}}\n`;
  assert.deepEqual(messages(laughs), ['aliases make this document too large']);
});

test('a long chain of extended services is followed once', () => {
  const chain = Array.from(
    { length: 400 },
    (_, at) => `  s${at}: {${at === 0 ? 'image: i' : `extends: s${at - 1}`}}\n`,
  );
  assert.deepEqual(messages(`services:\n${chain.reverse().join('')}`), []);
});

test('control characters and NUL are refused with their place', () => {
  assert.match(messages('services:\n  a: {image: "i\0x"}\n').join(), /control character U\+0000/);
  assert.match(messages('services:\n  a: {image: "i\\0x"}\n').join(), /NUL character/);
  assert.match(messages('services:\n  a: {image: "i\u001b[31m"}\n').join(), /control character U\+001B/);
});

test('values that a shell would obey come through as they are, whatever stands in the environment', () => {
  const hostile = fc.oneof(
    fc.constantFrom(
      '; rm -rf /',
      '$(reboot)',
      '`x`',
      '--privileged',
      'a\nb',
      '$X',
      '$$',
      '"',
      "'",
      '\\',
      '#',
      ': ',
    ),
    fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  );
  fc.assert(
    fc.property(hostile, (value) => {
      const text = 'services:\n  a: {image: i, environment: {V: "$VALUE"}, command: ["$VALUE"]}\n';
      const read = (path: string) => (path === '/p/compose.yaml' ? text : undefined);
      const files = { home: '/home/user', show: (path: string) => path, read };
      const options = { paths: ['/p/compose.yaml'], env: { VALUE: value }, profiles: [] };
      const { model, problems } = loadCompose(options, files);
      assert.deepEqual(problems, []);
      assert.equal(model?.services.a?.environment?.V, value);
      assert.deepEqual(model?.services.a?.command, [value]);
    }),
    { numRuns: 25 },
  );
});
