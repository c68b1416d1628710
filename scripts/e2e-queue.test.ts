import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestQueue } from './e2e-queue.ts';

const waiting = (name: string, minutes: number) => ({ file: name, group: name.slice(0, 1), minutes });

test('each stays with the lab that it has, begins with the longest that nobody has, and helps out in the end', () => {
  const queue = new TestQueue([
    waiting('a1', 1),
    waiting('b1', 5),
    waiting('b2', 5),
    waiting('b3', 5),
    waiting('c1', 2),
  ]);
  const first = queue.next(undefined);
  const second = queue.next(undefined);
  assert.deepEqual([first?.file, second?.file], ['b1', 'c1']);
  assert.equal(queue.next('b')?.file, 'b2');
  assert.equal(queue.next('c')?.file, 'a1');
  assert.equal(queue.next('a')?.file, 'b3');
  assert.equal(queue.next('a'), undefined);
});
