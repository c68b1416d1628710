import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIgnoreRules } from './ignore-rules.ts';

const rules = (...lines: readonly string[]) => parseIgnoreRules(lines.join('\n'), '/p/.dockerignore');

test('an ignored folder is ignored as a whole unless a rule may bring back something in it', () => {
  const isWhole = (folder: string, ...lines: readonly string[]) => rules(...lines).ignoresWhole(folder);
  assert.equal(isWhole('data', 'data', '!keep.log'), true);
  assert.equal(isWhole('data/db', 'data', '!data/public', '!/src'), true);
  assert.equal(isWhole('src', 'data'), false);
  for (const rule of [
    '!data/keep',
    '!/data/keep',
    '! data/a/b',
    '!*/keep',
    '!**/keep',
    '!dat?/keep',
    '!d[a-z]ta/x',
  ])
    assert.equal(isWhole('data', 'data', rule), false, rule);
});

test('a pattern that is none is refused with its line', () => {
  for (const pattern of ['[', '[z-a]', '!a[', 'x/[a-']) {
    assert.throws(() => rules('*.log', pattern), {
      code: 'input',
      where: '/p/.dockerignore:2',
      message: `"${pattern}" is no pattern`,
    });
  }
});

test('signs of regular expressions stand for themselves', () => {
  const { ignores } = rules('(a', 'app/(group)', 'c++', '\\{x}', '# [', 'a\r');
  assert.deepEqual(['(a', 'app/(group)', 'c++', '{x}', 'a'].map(ignores), [true, true, true, true, true]);
  assert.deepEqual(['app/group', 'ccc'].map(ignores), [false, false]);
});
