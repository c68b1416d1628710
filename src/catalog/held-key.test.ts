import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, startTestCatalog } from '../../test/test-catalog.ts';
import { SeawallError } from '../errors.ts';
import { CatalogClient } from './client.ts';
import { HeldKey } from './held-key.ts';
import { acquireLease } from './lease.ts';

const KEY = 'seawall/alive/h1';
const options = { key: KEY, ttlMs: 10_000, behavior: 'delete' } as const;

test('a held key stands while its process lives and is gone when it ends', async (t) => {
  const { client } = await startTestCatalog(t);
  const held = new HeldKey(client, options);
  held.put('one');
  await eventually('the key is held', () => held.held);
  const { value: first } = await client.kvGet(KEY);
  assert.equal(first?.value, 'one');
  held.put('two');
  await eventually('the new value stands', async () => (await client.kvGet(KEY)).value?.value === 'two');
  assert.equal((await client.kvGet(KEY)).value?.session, first?.session);
  await held.close();
  assert.equal((await client.kvGet(KEY)).value, undefined);
});

test('a program that is restarted takes its key over: nobody sees it go', async (t) => {
  const { client } = await startTestCatalog(t);
  const before = new HeldKey(client, options);
  before.put('one');
  await eventually('the key is held', () => before.held);
  const { value: first } = await client.kvGet(KEY);
  await before.close({ leave: true });
  const after = new HeldKey(client, options);
  after.put('one');
  await eventually('the key is held again', () => after.held);
  const { value: second } = await client.kvGet(KEY);
  assert.deepEqual(second, first, 'same session, and not even written');
  await after.close();
});

test('a key whose session was lost, or that somebody removed, comes back', async (t) => {
  const { client, connection, restart } = await startTestCatalog(t);
  const errors: unknown[] = [];
  const held = new HeldKey(client, { ...options, onError: (error) => errors.push(error) });
  held.put('one');
  await eventually('the key is held', () => held.held);
  await client.kvDelete(KEY);
  await eventually('it is back after its removal', async () => (await client.kvGet(KEY)).value?.session);
  const session = (await client.kvGet(KEY)).value?.session ?? '';
  await client.sessionDestroy(session);
  await eventually('it is back with a new session', async () => {
    const now = (await client.kvGet(KEY)).value?.session;
    return now !== undefined && now !== session;
  });
  await restart();
  held.put('after the restart');
  const other = new CatalogClient(connection);
  await eventually(
    'it is written again',
    async () => (await other.kvGet(KEY).catch(() => undefined))?.value?.value === 'after the restart',
  );
  await held.close();
  other.close();
});

test('a key that a stranger holds is taken when the stranger lets go, and said to be held until then', async (t) => {
  const { client } = await startTestCatalog(t);
  const stranger = await client.sessionCreate({ name: 'stranger', ttlMs: 10_000, behavior: 'delete' });
  await client.kvPut(KEY, 'theirs', { acquire: stranger });
  const errors: unknown[] = [];
  const held = new HeldKey(client, { ...options, onError: (error) => errors.push(error) });
  held.put('ours');
  await eventually('it is reported', () =>
    errors.some((error) => error instanceof SeawallError && error.code === 'locked'),
  );
  assert.equal((await client.kvGet(KEY)).value?.value, 'theirs');
  await client.sessionDestroy(stranger);
  await eventually('it is ours', async () => (await client.kvGet(KEY)).value?.value === 'ours');
  await held.close();
});

const record = { who: 'ann', from: 'laptop', since: '2025-03-01T10:00:00Z', command: 'seawall deploy' };
const LEASE = 'seawall/leases/polls';

test('a second deploy is told who holds the lease, since when, from where and with what', async (t) => {
  const { client } = await startTestCatalog(t);
  const lease = await acquireLease(client, LEASE, record);
  await assert.rejects(acquireLease(client, LEASE, { ...record, who: 'bob' }), (error: unknown) => {
    assert.ok(error instanceof SeawallError);
    assert.equal(error.code, 'locked');
    for (const part of Object.values(record)) assert.ok(error.message.includes(part), part);
    return true;
  });
  await lease.release();
  await using second = await acquireLease(client, LEASE, { ...record, who: 'bob' });
  assert.equal(second.lost.aborted, false);
});

test('of many deploys at once exactly one gets the lease', async (t) => {
  const { client } = await startTestCatalog(t);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 10 }, () => acquireLease(client, LEASE, record)),
  );
  const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  assert.equal(won.length, 1);
  await won[0]?.value.release();
});

test('a lease that was taken away is reported as lost', async (t) => {
  const { client } = await startTestCatalog(t);
  const lease = await acquireLease(client, LEASE, record, { ttlMs: 10_000 });
  await client.kvDelete(LEASE);
  await eventually('the loss is noticed', () => lease.lost.aborted);
  assert.ok(lease.lost.reason instanceof SeawallError);
  await lease.release();
});

test('a lease whose catalog went away for longer than its time is reported as lost', async (t) => {
  const { client, stop } = await startTestCatalog(t);
  const lease = await acquireLease(client, LEASE, record, { ttlMs: 10_000 });
  await stop();
  await eventually('the loss is noticed', () => lease.lost.aborted);
  assert.match(String(lease.lost.reason), /could not be renewed/);
  await lease.release();
});

test('a deploy that waits is told who holds the lease, and goes on when it is given back', async (t) => {
  const { client } = await startTestCatalog(t);
  const lease = await acquireLease(client, LEASE, record);
  const told = Promise.withResolvers<string>();
  const waiting = acquireLease(
    client,
    LEASE,
    { ...record, who: 'bob' },
    {
      waitMs: 30_000,
      onWait: ({ who }) => told.resolve(who),
    },
  );
  assert.equal(await told.promise, 'ann');
  await lease.release();
  await using second = await waiting;
  assert.equal(second.lost.aborted, false);
  assert.match((await client.kvGet(LEASE)).value?.value ?? '', /bob/);
});

test('a deploy that waits gets the lease of a holder that died, when its time is over', async (t) => {
  const { client } = await startTestCatalog(t);
  const session = await client.sessionCreate({ name: 'killed', ttlMs: 10_000, behavior: 'delete' });
  await client.kvPut(LEASE, JSON.stringify(record), { acquire: session });
  await using lease = await acquireLease(client, LEASE, { ...record, who: 'bob' }, { waitMs: 60_000 });
  assert.equal(lease.lost.aborted, false);
});

test('waiting for a lease ends with its time, and with Ctrl-C at once', async (t) => {
  const { client } = await startTestCatalog(t);
  await using _lease = await acquireLease(client, LEASE, record);
  await assert.rejects(acquireLease(client, LEASE, record, { waitMs: 300 }), /still, after 0 s/);
  const stop = new AbortController();
  const onWait = () => stop.abort(new Error('interrupted'));
  const { signal } = stop;
  await assert.rejects(
    acquireLease(client, LEASE, record, { waitMs: 60_000, onWait, signal }),
    /interrupted/,
  );
});

test('of many deploys that wait each gets the lease once, one after the other', async (t) => {
  const { client } = await startTestCatalog(t);
  let holders = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      await using _lease = await acquireLease(client, LEASE, record, { waitMs: 60_000 });
      holders += 1;
      most = Math.max(most, holders);
      await client.kvGet(LEASE);
      holders -= 1;
    }),
  );
  assert.equal(most, 1);
});
