import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Gather } from './gather.ts';

function gather(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const seen: number[] = [];
  const gathering = new Gather<number>({ quietMs: 3, mostMs: 10 }, (value) => seen.push(value));
  const put = (value: number, isUrgent = false) => gathering.put(value, { nowMs: Date.now(), isUrgent });
  return { gathering, seen, put, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('of what comes in quick succession the last is delivered, once it is quiet', (t) => {
  const { seen, put, pass } = gather(t);
  put(1);
  pass(2);
  put(2);
  pass(2);
  assert.deepEqual(seen, []);
  pass(1);
  assert.deepEqual(seen, [2]);
  pass(20);
  assert.deepEqual(seen, [2]);
});

test('what never becomes quiet is delivered in time', (t) => {
  const { seen, put, pass } = gather(t);
  for (let value = 0; value <= 24; value += 1) {
    put(value);
    pass(1);
  }
  assert.deepEqual(seen, [9, 19]);
});

test('what is urgent goes at once, and takes the place of what waits', (t) => {
  const { seen, put, pass } = gather(t);
  put(1);
  put(2, true);
  assert.deepEqual(seen, [2]);
  pass(20);
  assert.deepEqual(seen, [2]);
});

test('after the end nothing is delivered', (t) => {
  const { gathering, seen, put, pass } = gather(t);
  put(1);
  gathering.close();
  pass(20);
  assert.deepEqual(seen, []);
});
