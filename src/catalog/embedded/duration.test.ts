import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGoDuration } from './duration.ts';

test('durations are read as Go writes them, and nothing else is', () => {
  const good: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['0s', 0],
    ['10s', 10_000],
    ['60000ms', 60_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['2us', 0.002],
  ];
  for (const [text, ms] of good) assert.equal(parseGoDuration(text), ms, text);
  for (const text of ['', '10', 's', '-1s', '1 s', '1d', '1e3s', '1s '])
    assert.equal(parseGoDuration(text), undefined, text);
});
