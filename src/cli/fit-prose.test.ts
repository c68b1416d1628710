import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Help } from 'commander';
import { fitProse } from './fit-prose.ts';

const text = `
It does this, and then that, whatever the
author's lines were.

Examples:
  seawall something --that-is-longer-than-the-screen-that-it-is-shown-on
`;

test('sentences of help fit the screen, and examples can be copied', () => {
  assert.equal(
    fitProse(text, new Help(), 41),
    `
It does this, and then that, whatever the
author's lines were.

Examples:
  seawall something --that-is-longer-than-the-screen-that-it-is-shown-on
`,
  );
  assert.match(fitProse(text, new Help()), /^It does this, .* author's lines were\.$/m);
});

test('no sentence is longer than a line that can be read', () => {
  const long = 'word '.repeat(60).trim();
  for (const line of fitProse(long, new Help(), 240).split('\n')) assert.ok(line.length <= 100, line);
  for (const line of fitProse(long, new Help(), 60).split('\n')) assert.ok(line.length <= 60, line);
});
