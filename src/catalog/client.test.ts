import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { startTestCatalog, testCertificate } from '../../test/test-catalog.ts';
import { SeawallError } from '../errors.ts';
import { makeCatalogCertificate } from './certificate.ts';
import { CatalogClient } from './client.ts';
import type { Registration } from './entry.ts';
import { parseEntry, updateRecord } from './json.ts';
import { clearDraining, markDraining } from './maintenance.ts';

const web = (status: 'passing' | 'critical' = 'passing'): Registration => ({
  node: 'h1',
  nodeAddress: '10.208.16.1',
  service: {
    id: 'h1:web-1:8000',
    name: 'polls-web',
    address: '10.208.17.2',
    port: 8000,
    tags: ['t'],
    meta: { 'seawall-project': 'polls' },
  },
  checks: [
    { id: 'service:h1:web-1:8000', name: 'Docker', status, output: 'fine', serviceId: 'h1:web-1:8000' },
  ],
});

const code = (expected: string) => (error: unknown) =>
  error instanceof SeawallError && error.code === expected;

test('a registered replica is found by its service, with address, meta and health', async (t) => {
  const { client } = await startTestCatalog(t);
  await client.register(web());
  const { value } = await client.serviceInstances('polls-web');
  assert.deepEqual(value, [
    {
      id: 'h1:web-1:8000',
      service: 'polls-web',
      host: 'h1',
      address: '10.208.17.2',
      port: 8000,
      tags: ['t'],
      meta: { 'seawall-project': 'polls' },
      status: 'passing',
      output: 'fine',
      draining: false,
    },
  ]);
  assert.deepEqual((await client.services()).value, { 'polls-web': ['t'] });
  assert.deepEqual((await client.nodeServices('h1')).value, [web().service]);
  assert.equal((await client.nodeChecks('h1')).value[0]?.serviceId, 'h1:web-1:8000');
  assert.deepEqual((await client.nodeServices('nobody')).value, []);
});

test('a value larger than the catalog takes is refused with its name and what to do', async (t) => {
  const { client } = await startTestCatalog(t);
  await assert.rejects(client.kvPut('seawall/releases/polls/1', 'x'.repeat(600_000)), (error: unknown) => {
    assert.ok(error instanceof SeawallError && error.code === 'refused');
    assert.match(error.message, /^seawall\/releases\/polls\/1 is larger than the catalog takes/);
    return /divided/.test(error.hint ?? '');
  });
});

test('draining is a mark of its own: the replica stays healthy and the mark comes off again', async (t) => {
  const { client } = await startTestCatalog(t);
  await client.register(web());
  const [instance] = (await client.serviceInstances('polls-web')).value;
  assert.ok(instance);
  await markDraining(client, instance, 'release 7 replaces it');
  const [draining] = (await client.serviceInstances('polls-web')).value;
  assert.deepEqual([draining?.draining, draining?.status], [true, 'passing']);
  // The registrar writes again what it sees: the mark is not its own and stays.
  await client.register(web('critical'));
  const [dead] = (await client.serviceInstances('polls-web')).value;
  assert.deepEqual([dead?.draining, dead?.status], [true, 'critical']);
  assert.equal((await client.nodes()).value.find((node) => node.name === 'h1')?.address, '10.208.16.1');
  await clearDraining(client, instance);
  assert.equal((await client.serviceInstances('polls-web')).value[0]?.draining, false);
});

test('registering the same again moves no index, so no edge wakes for nothing', async (t) => {
  const { client } = await startTestCatalog(t);
  await client.register(web());
  const before = await client.serviceInstances('polls-web');
  await client.register(web());
  assert.equal((await client.serviceInstances('polls-web')).index, before.index);
  await client.register({ ...web(), node: 'h2', service: { ...required(web().service), name: 'other' } });
  assert.equal((await client.serviceInstances('polls-web')).index, before.index);
});

test('a removed service, and a removed node, take their checks along', async (t) => {
  const { client } = await startTestCatalog(t);
  await client.register(web());
  await client.deregister({ node: 'h1', serviceId: 'h1:web-1:8000' });
  assert.deepEqual((await client.nodeChecks('h1')).value, []);
  await client.register(web());
  await client.deregister({ node: 'h1' });
  assert.deepEqual((await client.serviceInstances('polls-web')).value, []);
  assert.ok(!(await client.nodes()).value.some((node) => node.name === 'h1'));
});

test('two writers with compare-and-set never lose an update', async (t) => {
  const { client } = await startTestCatalog(t);
  const add = (name: string) =>
    updateRecord<string[]>(client, 'seawall/list', (present = []) => [...present, name]);
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map(add));
  const { value } = await client.kvGet('seawall/list');
  assert.deepEqual(parseEntry<string[]>(required(value)).toSorted(), ['a', 'b', 'c', 'd', 'e']);
  assert.equal(await client.kvPut('seawall/list', 'x', { cas: 0 }), false);
  assert.equal(await client.kvDelete('seawall/list', { cas: 1 }), false);
});

test('keys keep any name and any text', async (t) => {
  const { client } = await startTestCatalog(t);
  for (const key of ['a b', 'ç/ü', 'a//b', 'x/../y', '; rm -rf', 'q?x=1&y#z', '100%', '-n', 'a\nb']) {
    assert.equal(await client.kvPut(key, `value of ${key}\0ü`), true);
    assert.equal((await client.kvGet(key)).value?.value, `value of ${key}\0ü`, key);
  }
  assert.equal((await client.kvList('')).value.length, 9);
  assert.equal(await client.kvDelete('x/', { recurse: true }), true);
  assert.equal((await client.kvList('')).value.length, 8);
});

test('a key held by one session is not given to another until it is released', async (t) => {
  const { client } = await startTestCatalog(t);
  const mine = await client.sessionCreate({ name: 'mine', ttlMs: 10_000, behavior: 'release' });
  const theirs = await client.sessionCreate({ name: 'theirs', ttlMs: 10_000, behavior: 'delete' });
  assert.equal(await client.kvPut('lock', 'm', { acquire: mine }), true);
  assert.equal(await client.kvPut('lock', 't', { acquire: theirs }), false);
  assert.equal(await client.kvPut('lock', 't', { release: theirs }), false);
  await client.sessionDestroy(mine);
  const { value } = await client.kvGet('lock');
  assert.deepEqual([value?.value, value?.session], ['m', undefined]);
  assert.equal(await client.kvPut('lock', 't', { acquire: theirs }), true);
  await client.sessionDestroy(theirs);
  assert.equal((await client.kvGet('lock')).value, undefined);
  assert.equal(await client.sessionRenew(theirs), false);
  assert.equal((await client.sessionInfo(randomUUID())).value, undefined);
});

test('a foreign catalog, a wrong token and no catalog are told apart', async (t) => {
  const { connection } = await startTestCatalog(t);
  const { certificate } = await makeCatalogCertificate();
  const attempts = [
    [{ ...connection, certificate }, 'refused'],
    [{ ...connection, serverName: 'other.internal' }, 'refused'],
    [{ ...connection, token: 'wrong' }, 'refused'],
    [{ ...connection, token: '' }, 'refused'],
    [{ ...connection, target: { host: '127.0.0.1', port: 9 } }, 'unreachable'],
    [{ ...connection, target: { socketPath: '/nowhere/catalog.sock' } }, 'unreachable'],
  ] as const;
  for (const [other, expected] of attempts) {
    const client = new CatalogClient(other);
    await assert.rejects(
      client.kvGet('a'),
      (error: unknown) => code(expected)(error) && !String(error).includes(connection.token),
    );
    client.close();
  }
  assert.notEqual((await testCertificate()).certificate, certificate);
});

test('an abort ends a waiting read at once, with its own reason', async (t) => {
  const { client } = await startTestCatalog(t);
  const { index } = await client.kvGet('nothing');
  const stop = new AbortController();
  const waiting = client.kvGet('nothing', { index, waitMs: 60_000, signal: stop.signal });
  setImmediate(() => stop.abort(new Error('enough')));
  await assert.rejects(waiting, /enough/);
});

test('a value of more than 512 kB is refused, and the connection serves on', async (t) => {
  const { client } = await startTestCatalog(t);
  await assert.rejects(
    client.kvPut('big', 'x'.repeat(524_289)),
    (error) => code('refused')(error) || code('unreachable')(error),
  );
  assert.equal(await client.kvPut('big', 'x'.repeat(524_288)), true);
});

function required<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}
