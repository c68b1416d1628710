import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHost, stopHost } from '../../lab/hosts.ts';
import { ask, catalogStatus, deployShop, expectCode, lab, second, shop, until } from './catalog-stage.ts';

await deployShop(shop, { VERSION: 'v1' });

const HOSTS = ['host1', 'host2', 'host3'] as const;
/** All six; those in which the catalog's host comes last at the end. */
const ORDERS = [
  ['host1', 'host2', 'host3'],
  ['host1', 'host3', 'host2'],
  ['host2', 'host1', 'host3'],
  ['host3', 'host1', 'host2'],
  ['host2', 'host3', 'host1'],
  ['host3', 'host2', 'host1'],
] as const;

/** Whether the edge that stays answers as the shop does; an answer of somebody else fails the test. */
async function answers(): Promise<boolean> {
  const { status, body } = await ask('/', 'shop.example', second);
  if (status !== 200) return false;
  assert.equal((JSON.parse(body) as { version: string }).version, 'v1', body);
  return true;
}

async function allReplicasServe(): Promise<boolean> {
  const { stdout } = await expectCode(0, shop, ['ps', '--json'], { env: { VERSION: 'v1' } });
  const { replicas } = JSON.parse(stdout) as { replicas: { state: string }[] };
  return replicas.length === 4 && replicas.every(({ state }) => state === 'healthy');
}

for (const order of ORDERS) {
  test(`after a power cut the hosts come back as ${order.join(', ')}: the project serves by itself, and right`, async (t) => {
    for (const host of HOSTS) await stopHost(lab, host);
    const startedAt = performance.now();
    const since = (): string => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
    for (const host of order) await startHost(lab, host);
    t.diagnostic(`all hosts are up after ${since()}`);
    await until('the edge answers', 180, answers);
    t.diagnostic(`first answer after ${since()}`);
    await until('every replica is healthy', 240, allReplicasServe);
    const { code, host, epoch } = await catalogStatus();
    assert.deepEqual([code, host, epoch], [0, 'host1', 1]);
    t.diagnostic(`all replicas healthy after ${since()}`);
    for (let count = 0; count < 50; count++) assert.ok(await answers());
  });
}
