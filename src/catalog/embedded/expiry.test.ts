import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../../../test/test-catalog.ts';
import { parseBody } from './body.ts';
import { type Catalog, openCatalog } from './catalog.ts';
import { Expiry } from './expiry.ts';
import { writeKey } from './kv.ts';
import { sessionFromBody } from './sessions.ts';

test('who gave no sign of life in time is due, once', () => {
  const expiry = new Expiry(0);
  expiry.arm('a', 1_000);
  expiry.arm('b', 1_000);
  expiry.arm('a', 1_600);
  expiry.arm('c', 500);
  expiry.disarm('c');
  assert.deepEqual(
    [250, 500, 750, 1_000].flatMap((now) => expiry.sweep(now, 250)),
    ['b'],
  );
  assert.deepEqual(
    [1_250, 1_500, 1_750, 2_000].flatMap((now) => expiry.sweep(now, 250)),
    ['a'],
  );
});

test('a catalog that itself was held up for a minute declares nobody dead', () => {
  const expiry = new Expiry(0);
  expiry.arm('a', 10_000);
  assert.deepEqual(expiry.sweep(60_000, 250), []);
  assert.deepEqual(expiry.sweep(69_500, 9_500), []);
  assert.deepEqual(expiry.sweep(69_750, 250), ['a']);
});

/** Runs six times as fast, so that a TTL of Consul's least 10 s is over soon. */
const fast = (): number => performance.now() * 6;

test('a key vanishes with its session, and after a restart its session has its whole time again', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'seawall-expiry-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const open = (): Promise<Catalog> =>
    openCatalog({ dir, node: 'catalog', clock: fast, onTrouble: (error) => assert.fail(String(error)) });
  let catalog = await open();
  const body = parseBody(Buffer.from('{"TTL":"10s","Behavior":"delete","LockDelay":"0s","Checks":[]}'));
  const session = sessionFromBody(body, 'catalog', catalog.state);
  catalog.commit([{ table: 'session', id: session.ID, row: session }]);
  assert.ok(writeKey(catalog, { key: 'k', value: 'eA==', flags: 0 }, { acquire: session.ID }));
  const until = fast() + 6_000;
  await eventually('more than half of the time is over', () => fast() > until);
  await catalog.close();
  catalog = await open();
  const openedAt = fast();
  await eventually('the key is gone', () => catalog.state.get('kv', 'k') === undefined);
  assert.ok(fast() - openedAt >= 10_000);
  assert.equal(catalog.state.get('session', session.ID), undefined);
  await catalog.close();
});
