import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withSigns } from './signs.ts';

const clock = (ms: number) => new Date(ms).toISOString();

test('a host is heard when it says something new, and its clock is compared when that came fresh', () => {
  const first = withSigns({}, { a: { clock: clock(1_000) } }, { now: 21_000, isFresh: false });
  assert.deepEqual(first, { a: { heardAt: 21_000, clock: clock(1_000) } });
  const same = withSigns(first, { a: { clock: clock(1_000) } }, { now: 30_000, isFresh: true });
  assert.deepEqual(same, first);
  const next = withSigns(same, { a: { clock: clock(33_000) } }, { now: 31_000, isFresh: true });
  assert.deepEqual(next, { a: { heardAt: 31_000, clock: clock(33_000), offsetMs: 2_000 } });
});

test('a host that is gone keeps when it was heard last; after a gap its clock is not judged anew', () => {
  const before = { a: { heardAt: 1, clock: clock(1), offsetMs: 5 } };
  assert.deepEqual(withSigns(before, {}, { now: 90_000, isFresh: true }), before);
  const back = withSigns(before, { a: { clock: clock(80_000) } }, { now: 99_000, isFresh: false });
  assert.deepEqual(back, { a: { heardAt: 99_000, clock: clock(80_000), offsetMs: 5 } });
});

test('a clock that is no time is heard all the same', () => {
  const heard = withSigns({}, { a: { clock: 'noon' } }, { now: 5, isFresh: true });
  assert.deepEqual(heard, { a: { heardAt: 5, clock: 'noon' } });
});
