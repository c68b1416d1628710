import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { testCertificate } from '../../test/test-catalog.ts';
import { CatalogClient } from './client.ts';
import { askPlace } from './place.ts';
import { startCatalogServer, startPlaceServer } from './server.ts';

const about = { epoch: 2, host: 'app1', address: '10.208.16.1', version: '1.0.0' };

async function serve(t: TestContext, role: 'catalog' | 'place') {
  const { certificate, privateKey, token } = await testCertificate();
  const dir = await mkdtemp(join(tmpdir(), 'seawall-epoch-'));
  const newer: number[] = [];
  const options = {
    certificate,
    privateKey,
    token,
    about,
    listen: [{ host: '127.0.0.1', port: 0 }],
    onNewerEpoch: (epoch: number) => newer.push(epoch),
  };
  const server = await (role === 'catalog'
    ? startCatalogServer({ ...options, dir })
    : startPlaceServer(options));
  const port = server.addresses()[0]?.port ?? 0;
  const connection = { target: { host: '127.0.0.1', port }, certificate, token };
  const client = (epoch: number) => {
    const made = new CatalogClient({ ...connection, epoch });
    t.after(() => made.close());
    return made;
  };
  t.after(async () => {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { client, connection, newer };
}

test('a catalog of an earlier epoch is not believed, and gives notice that there is a later one', async (t) => {
  const { client, newer } = await serve(t, 'catalog');
  await client(2).kvPut('seawall/x', '1');
  assert.equal((await client(1).kvGet('seawall/x')).value?.value, '1', 'whoever lags behind is served');
  const later = client(3);
  await assert.rejects(later.kvGet('seawall/x'), { code: 'unreachable', message: /epoch 2, now it is 3/ });
  await assert.rejects(later.kvPut('seawall/x', '2'), { code: 'unreachable' });
  assert.notEqual(later.failingSince, undefined);
  assert.deepEqual([...new Set(newer)], [3]);
  assert.equal((await client(2).kvGet('seawall/x')).value?.value, '1', 'the later one wrote nothing');
});

test('a host without the catalog says where it is, to members of the cluster only', async (t) => {
  const { client, connection } = await serve(t, 'place');
  await assert.rejects(client(1).kvGet('seawall/x'), {
    code: 'unreachable',
    message: /not here but on app1 \(epoch 2\)/,
  });
  assert.deepEqual(await askPlace(connection, { timeoutMs: 5_000 }), about);
  assert.equal(await askPlace({ ...connection, token: 'wrong' }, { timeoutMs: 5_000 }), undefined);
});

test('a client that is turned to another place goes on there, also with what it waits for', async (t) => {
  const first = await serve(t, 'catalog');
  const second = await serve(t, 'catalog');
  await second.client(2).kvPut('where', 'second');
  const client = first.client(2);
  await client.kvPut('where', 'first');
  const { index } = await client.kvGet('where');
  const waiting = client.kvGet('where', { index, waitMs: 60_000 });
  client.move({ ...second.connection, epoch: 2 });
  await assert.rejects(waiting, { code: 'unreachable' });
  assert.equal((await client.kvGet('where')).value?.value, 'second');
});

test('a catalog that hands itself over gives everything, and then no more answers', async (t) => {
  const { client } = await serve(t, 'catalog');
  const operator = client(2);
  await operator.kvPut('seawall/hosts/app1', '{"name":"app1"}');
  const text = await operator.stepDown();
  assert.match(text, /seawall\/hosts\/app1/);
  await assert.rejects(operator.kvPut('seawall/hosts/app2', '{}'), {
    code: 'unreachable',
    message: /about to move/,
  });
});
