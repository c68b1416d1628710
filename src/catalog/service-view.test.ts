import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, startTestCatalog } from '../../test/test-catalog.ts';
import type { CatalogClient } from './client.ts';
import type { Instance } from './record.ts';
import { ServiceView } from './service-view.ts';

const add = (client: CatalogClient, name: string, id = `${name}-1`) =>
  client.register({
    node: 'h1',
    nodeAddress: '10.0.0.1',
    service: { id, name, address: '', port: 1, tags: [], meta: {} },
  });

const shown = (view: ServiceView): Record<string, string[]> =>
  Object.fromEntries(
    [...view.snapshot()].map(([name, instances]) => [name, instances.map((instance) => instance.id)]),
  );

test('a view follows the services it was given, and is ready when each has been answered', async (t) => {
  const { client } = await startTestCatalog(t);
  await add(client, 'web');
  let changes = 0;
  const view = new ServiceView(client, { onChange: () => (changes += 1) });
  assert.equal(view.ready, false);
  view.setNames(['web', 'empty']);
  await eventually('ready', () => view.ready);
  assert.deepEqual(shown(view), { empty: [], web: ['web-1'] });
  await add(client, 'web', 'web-2');
  await eventually('the second instance', () => shown(view).web?.length === 2);
  const before = changes;
  view.setNames(['web']);
  assert.deepEqual([shown(view), changes], [{ web: ['web-1', 'web-2'] }, before + 1]);
  view.setNames(['web']);
  assert.equal(changes, before + 1, 'the same names again are no change');
  await view.close();
});

test('a view without names is ready at once and says so', async (t) => {
  const { client } = await startTestCatalog(t);
  let changes = 0;
  const view = new ServiceView(client, { onChange: () => (changes += 1) });
  view.setNames([]);
  assert.deepEqual([view.ready, changes], [true, 1]);
  await view.close();
});

test('a view of everything sees services come and go', async (t) => {
  const { client } = await startTestCatalog(t);
  await add(client, 'web');
  const view = new ServiceView(client, { onChange: () => undefined });
  view.watchAll();
  await eventually('web', () => shown(view).web?.length === 1);
  await add(client, 'db');
  await eventually('db', () => shown(view).db?.length === 1);
  await client.deregister({ node: 'h1', serviceId: 'web-1' });
  await eventually('web is gone', () => shown(view).web === undefined);
  await view.close();
});

test('while the catalog is away the last known instances stand, also over a start without it', async (t) => {
  const { client, stop, start } = await startTestCatalog(t);
  await add(client, 'web');
  const errors: unknown[] = [];
  const view = new ServiceView(client, { onChange: () => undefined, onError: (error) => errors.push(error) });
  view.setNames(['web']);
  await eventually('ready', () => view.ready);
  await stop();
  await eventually('the loss was noticed', () => errors.length > 0);
  assert.deepEqual(shown(view), { web: ['web-1'] });
  const known: Instance[] = [...(view.snapshot().get('web') ?? [])];
  const later = new ServiceView(client, { onChange: () => undefined, initial: new Map([['web', known]]) });
  later.setNames(['web']);
  assert.deepEqual([shown(later), later.ready], [{ web: ['web-1'] }, false]);
  await start();
  await eventually('both are ready', () => view.ready && later.ready);
  await add(client, 'web', 'web-2');
  await eventually(
    'both see the news',
    () => shown(view).web?.length === 2 && shown(later).web?.length === 2,
  );
  await Promise.all([view.close(), later.close()]);
});
