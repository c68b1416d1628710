import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, startTestCatalog } from '../../test/test-catalog.ts';
import { CatalogClient } from './client.ts';
import { acquireLease } from './lease.ts';
import { watchKeys } from './watch.ts';

const LONG = { waitMs: 30_000 };

test('a waiting read answers with the change, and removing the last key below a prefix is a change', async (t) => {
  const { client } = await startTestCatalog(t);
  const empty = await client.kvList('p/');
  const first = client.kvList('p/', { index: empty.index, ...LONG });
  await client.kvPut('p/a', '1');
  const one = await first;
  assert.deepEqual(
    one.value.map((entry) => entry.key),
    ['p/a'],
  );
  assert.ok(one.index > empty.index);
  const second = client.kvList('p/', { index: one.index, ...LONG });
  await client.kvDelete('p/a');
  const none = await second;
  assert.deepEqual(none.value, []);
  assert.ok(none.index > one.index);
});

test('a waiting read sleeps through what does not concern it', async (t) => {
  const { client } = await startTestCatalog(t);
  const { index } = await client.serviceInstances('web');
  let answered = false;
  const waiting = client.serviceInstances('web', { index, ...LONG }).then((answer) => {
    answered = true;
    return answer;
  });
  for (let count = 0; count < 20; count += 1) {
    await client.kvPut(`noise/${count}`, 'x');
    await client.register({
      node: 'h1',
      nodeAddress: '10.0.0.1',
      service: { id: `db${count}`, name: 'db', address: '', port: 1, tags: [], meta: {} },
    });
  }
  assert.equal(answered, false);
  await client.register({
    node: 'h1',
    nodeAddress: '10.0.0.1',
    service: { id: 'w', name: 'web', address: '', port: 1, tags: [], meta: {} },
  });
  assert.equal((await waiting).value[0]?.id, 'w');
});

test('without news a waiting read answers after its time with the same index', async (t) => {
  const { client } = await startTestCatalog(t);
  const { index } = await client.kvGet('nothing');
  assert.deepEqual(await client.kvGet('nothing', { index, waitMs: 50 }), { value: undefined, index });
});

test('a watch goes on through a restart of the catalog and sees what came after it', async (t) => {
  const { client, restart } = await startTestCatalog(t);
  const seen: string[][] = [];
  const end = new AbortController();
  const watch = watchKeys(client, 'w/', (entries) => seen.push(entries.map((entry) => entry.key)), {
    signal: end.signal,
  });
  await client.kvPut('w/a', '1');
  await eventually('the first key was seen', () => seen.at(-1)?.length === 1);
  const before = (await client.kvList('w/')).index;
  await restart();
  assert.ok(
    (await eventually('the catalog answers again', () => client.kvList('w/').catch(() => undefined))).index >=
      before,
  );
  await client.kvPut('w/b', '2');
  await eventually('the second key was seen', () => seen.at(-1)?.length === 2);
  end.abort();
  await watch;
  assert.ok(
    seen.every((keys, at) => at === 0 || String(keys) !== String(seen[at - 1])),
    'the same was reported twice',
  );
});

test('a session outlives a restart of the catalog, and a lease with it', async (t) => {
  const { client, restart } = await startTestCatalog(t);
  const lease = await acquireLease(client, 'seawall/leases/polls', {
    who: 'ann',
    from: 'laptop',
    since: 'now',
    command: 'deploy',
  });
  await restart();
  const { value } = await eventually('the catalog answers again', () =>
    client.kvGet('seawall/leases/polls').catch(() => undefined),
  );
  assert.ok(value?.session !== undefined);
  assert.equal(await client.sessionRenew(value.session), true);
  assert.equal(lease.lost.aborted, false);
  await lease.release();
  assert.equal((await client.kvGet('seawall/leases/polls')).value, undefined);
});

test('hundreds of waiting reads neither starve a write nor survive their client', async (t) => {
  const { client, connection } = await startTestCatalog(t);
  const crowd = new CatalogClient(connection);
  const { index } = await crowd.kvGet('crowd');
  const waiting = Array.from({ length: 300 }, () => crowd.kvGet('crowd', { index, ...LONG }));
  await client.kvPut('crowd', 'awake');
  const answers = await Promise.all(waiting);
  assert.ok(answers.every((answer) => answer.value?.value === 'awake'));
  crowd.close();
});
