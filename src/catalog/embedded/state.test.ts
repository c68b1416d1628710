import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { State, type Topic } from './state.ts';
import type { Draft, DraftChange } from './tables.ts';
import { onNode } from './tables.ts';
import { Waiters } from './waiters.ts';

const kv = (key: string, value: string | null): DraftChange => ({
  table: 'kv',
  id: key,
  row: value === null ? null : { LockIndex: 0, Key: key, Flags: 0, Value: value },
});

/** Keys that are often prefixes of each other. */
const key = fc
  .array(fc.constantFrom('a', 'b', '/'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''));
const operation = fc.record({ key, value: fc.option(fc.constantFrom('x', 'y')) });

function content(state: State, prefix: string): string {
  return JSON.stringify(
    state
      .rows('kv')
      .filter((row) => row.Key.startsWith(prefix))
      .map(({ Key, Value, ModifyIndex }) => [Key, Value, ModifyIndex])
      .toSorted(),
  );
}

test('the index of a key or prefix rises exactly when something below it changed, removals included', () => {
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 60 }),
      fc.array(key, { minLength: 1, maxLength: 5 }),
      (operations, prefixes) => {
        const state = new State();
        for (const { key: changed, value } of operations) {
          const before = prefixes.map(
            (prefix) => [state.topicIndex(`prefix/${prefix}`), content(state, prefix)] as const,
          );
          const commit = state.stamp([kv(changed, value)]);
          if (commit !== undefined) state.apply(commit);
          for (const [at, prefix] of prefixes.entries()) {
            const index = state.topicIndex(`prefix/${prefix}`);
            const differs = content(state, prefix) !== before[at]?.[1];
            assert.equal(index > (before[at]?.[0] ?? 0), differs, `${changed} and prefix ${prefix}`);
            assert.ok(index >= (before[at]?.[0] ?? 0) && index >= 1);
          }
        }
      },
    ),
  );
});

test('a read that waits on a prefix wakes when something below changes, and only then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 20 }), key, async (operations, prefix) => {
      const state = new State();
      const waiters = new Waiters();
      const end = new AbortController();
      for (const { key: changed, value } of operations) {
        let woken = false;
        const waiting = waiters.wait(`prefix/${prefix}`, 60_000, end.signal).then(() => {
          woken = true;
        });
        const before = content(state, prefix);
        const commit = state.stamp([kv(changed, value)]);
        if (commit !== undefined) waiters.wake(state.apply(commit));
        const differs = content(state, prefix) !== before;
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(woken, differs, `${changed} and prefix ${prefix}`);
        if (woken) await waiting;
      }
      end.abort();
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(waiters.size, 0, 'a waiter was left behind');
    }),
    { numRuns: 50 },
  );
});

const service = (node: string, id: string, name: string): DraftChange => ({
  table: 'service',
  id: onNode(node, id),
  row: {
    Node: node,
    ID: id,
    Service: name,
    Tags: [],
    Address: '',
    Meta: null,
    Port: 1,
    Weights: { Passing: 1, Warning: 1 },
    EnableTagOverride: false,
  },
});
const checkRow = (node: string, id: string, serviceId: string): Draft<'check'> => ({
  Node: node,
  CheckID: id,
  Name: id,
  Status: 'passing',
  Notes: '',
  Output: '',
  ServiceID: serviceId,
  ServiceName: '',
  ServiceTags: [],
  Type: '',
  Definition: {},
});
const check = (node: string, id: string, serviceId: string): DraftChange => ({
  table: 'check',
  id: onNode(node, id),
  row: checkRow(node, id, serviceId),
});

function touch(state: State, draft: DraftChange): Topic[] {
  const commit = state.stamp([draft]);
  return commit === undefined ? [] : [...state.apply(commit)].toSorted();
}

test('a change wakes the watchers of the services that it concerns and no others', () => {
  const state = new State();
  touch(state, service('h1', 'w1', 'web'));
  touch(state, service('h1', 'd1', 'db'));
  touch(state, service('h2', 'w2', 'web'));
  assert.deepEqual(touch(state, check('h2', 'c', 'w2')), ['checks', 'node/h2', 'service/web']);
  assert.deepEqual(touch(state, check('h1', 'node', '')), ['checks', 'node/h1', 'service/db', 'service/web']);
  assert.deepEqual(touch(state, check('h1', 'node', '')), [], 'the same again touches nothing');
  // Under another name: the watchers of the old one must see it go.
  assert.deepEqual(touch(state, service('h1', 'w1', 'web2')), [
    'node/h1',
    'service/web',
    'service/web2',
    'services',
  ]);
  assert.deepEqual(touch(state, { table: 'service', id: onNode('h1', 'd1'), row: null }), [
    'node/h1',
    'service/db',
    'services',
  ]);
});

test('after a load no index lies below one that was told before', () => {
  const state = new State();
  for (const name of ['a', 'b', 'c']) touch(state, kv(name, 'x'));
  touch(state, kv('c', null));
  const told = state.topicIndex('prefix/');
  const later = new State();
  later.apply({ index: state.index, changes: [] });
  later.settle(state.index);
  assert.ok(later.topicIndex('prefix/') >= told && later.topicIndex('key/c') >= told);
});
