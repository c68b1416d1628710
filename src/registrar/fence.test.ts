import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestCatalog } from '../../test/test-catalog.ts';
import { markDraining } from '../catalog/index.ts';
import { type FenceRecord, isFenced, KEY, META } from '../catalog/record.ts';
import type { Entry } from './diff.ts';
import { CatalogWriter } from './writer.ts';

const entryOf = (service: string, release: number, project = 'shop'): Entry => ({
  id: `app1:${project}-${service}-1-abcd:8000`,
  service: `${project}-${service}`,
  address: '10.208.17.2',
  port: 8000,
  tags: [],
  meta: {
    [META.project]: project,
    [META.service]: service,
    [META.release]: `${release}`,
    [META.container]: `${project}-${service}-${release}`,
  },
  status: 'passing',
  output: '',
});

test('a fence keeps replaced releases of its project out, not newer ones, other projects and services with volumes', () => {
  const fence: FenceRecord = { shop: { before: 7, except: ['db'] } };
  assert.equal(isFenced(fence, entryOf('web', 6).meta), true);
  assert.equal(isFenced(fence, entryOf('web', 7).meta), false);
  assert.equal(isFenced(fence, entryOf('db', 6).meta), false);
  assert.equal(isFenced(fence, entryOf('web', 6, 'blog').meta), false);
  assert.equal(isFenced(undefined, entryOf('web', 6).meta), false);
  assert.equal(isFenced(fence, {}), false);
});

test('what a host comes back with after it was replaced is draining from its first moment in the catalog, and stays so', async (t) => {
  const { client } = await startTestCatalog(t);
  const fence: FenceRecord = { shop: { before: 7, except: ['db'] } };
  await client.kvPut(KEY.fence('app1'), JSON.stringify(fence));
  const host = { name: 'app1', privateAddress: '10.208.16.1' };
  const writer = new CatalogWriter({ client, host, signal: AbortSignal.timeout(30_000), log: () => {} });
  const drains = async (service: string): Promise<boolean | undefined> =>
    (await client.serviceInstances(service)).value[0]?.draining;
  for (const entry of [entryOf('web', 6), entryOf('db', 6), entryOf('api', 7)])
    writer.claim(entry.meta[META.container] ?? '', [entry]);
  await writer.settled();
  assert.equal(await drains('shop-web'), true);
  assert.equal(await drains('shop-db'), false);
  assert.equal(await drains('shop-api'), false);
  // It restarts: the entry goes and comes again.
  writer.claim('shop-web-6', []);
  await writer.settled();
  assert.equal(await drains('shop-web'), undefined);
  writer.claim('shop-web-6', [entryOf('web', 6)]);
  await writer.settled();
  assert.equal(await drains('shop-web'), true);
});

test('a mark that stands on an entry survives the return of the same container', async (t) => {
  const { client } = await startTestCatalog(t);
  const host = { name: 'app1', privateAddress: '10.208.16.1' };
  const options = { client, host, signal: AbortSignal.timeout(30_000), log: () => {} };
  const entry = entryOf('web', 6);
  const before = new CatalogWriter(options);
  before.claim('shop-web-6', [entry]);
  await before.settled();
  await markDraining(client, { id: entry.id, host: 'app1', address: entry.address }, 'replaced');
  const after = new CatalogWriter(options);
  await after.read();
  after.claim('shop-web-6', [{ ...entry, status: 'critical', output: 'starting again' }]);
  await after.settled();
  after.claim('shop-web-6', [entry]);
  await after.settled();
  const [instance] = (await client.serviceInstances('shop-web')).value;
  assert.deepEqual([instance?.status, instance?.draining], ['passing', true]);
});
