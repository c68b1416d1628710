import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Slots } from './slots.ts';

test('no more run at once than there are slots, and all of them run', async () => {
  const slots = new Slots(2);
  let running = 0;
  let most = 0;
  const work = async (value: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    await setImmediate();
    running -= 1;
    return value;
  };
  const results = await Promise.all([1, 2, 3, 4, 5].map((value) => slots.run(() => work(value))));
  assert.deepEqual(results, [1, 2, 3, 4, 5]);
  assert.equal(most, 2);
});

test('work that fails gives its slot back', async () => {
  const slots = new Slots(1);
  await assert.rejects(slots.run(() => Promise.reject(new Error('no'))));
  assert.equal(await slots.run(async () => 'yes'), 'yes');
});
