import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyDisk, startHost, stopHost } from '../../lab/hosts.ts';
import {
  ask,
  catalogStatus,
  deployShop,
  expectCode,
  lab,
  onHost,
  promote,
  shop,
  timed,
  until,
  withoutLoss,
} from './catalog-stage.ts';

await deployShop(shop, { VERSION: 'v1' });

/** What `seawall plan` prints. */
const planned = async (VERSION: string): Promise<string> =>
  (await expectCode(0, shop, ['plan'], { env: { VERSION } })).stdout;

test('every host keeps a good snapshot of the catalog, for root only, seconds after a deploy', async () => {
  await until('every host has one', 90, async () => {
    const { hosts } = await catalogStatus();
    return hosts.every(({ good, snapshotAgeMs }) => good > 0 && (snapshotAgeMs ?? 1e9) < 40_000);
  });
  const { hosts, index = 0, host, epoch } = await catalogStatus();
  assert.deepEqual([host, epoch], ['host1', 1]);
  for (const each of hosts) {
    assert.equal(each.damaged, 0, each.host);
    assert.ok(
      index - (each.snapshotIndex ?? 0) < 50,
      `${each.host} is ${index - (each.snapshotIndex ?? 0)} behind`,
    );
  }
  const folder = '/var/lib/seawall/agent/catalog';
  const { stdout } = await onHost('host3', ['sudo', 'find', folder, '-printf', "'%m %U %y\\n'"]);
  assert.deepEqual([...new Set(stdout.trim().split('\n'))].sort(), ['600 0 f', '700 0 d']);
});

test('the catalog killed, and killed again: no request is lost, and it is back by itself', async (t) => {
  await withoutLoss(t, ['v1'], async () => {
    for (let count = 0; count < 2; count++) {
      await onHost('host1', [
        'sudo',
        'sh',
        '-c',
        `'kill -9 $(docker inspect -f {{.State.Pid}} seawall-server)'`,
      ]);
      const seconds = await timed(() =>
        until('the catalog answers', 180, async () => (await catalogStatus()).code === 0),
      );
      t.diagnostic(`killed: answers again after ${seconds} s`);
    }
  });
});

test('the catalog moves to another host and back under load, with everything in it', async (t) => {
  const before = (await expectCode(0, shop, ['releases', '--json'])).stdout;
  await withoutLoss(t, ['v1'], async () => {
    for (const host of ['host3', 'host1']) {
      const seconds = await timed(async () => {
        const { source, missing, told } = await promote(host);
        assert.deepEqual([source, missing], ['catalog', []]);
        assert.deepEqual(told, ['host1', 'host2', 'host3']);
      });
      t.diagnostic(`moved to ${host} in ${seconds} s`);
      assert.equal((await expectCode(0, shop, ['releases', '--json'])).stdout, before);
    }
  });
  assert.match(await planned('v1'), /^No change/);
});

test('the host of the catalog goes off: traffic goes on, another host is made the catalog, and the old one follows when it is back', async (t) => {
  await withoutLoss(t, ['v1'], async () => {
    await stopHost(lab, 'host1');
    const lost = await catalogStatus();
    assert.equal(lost.code, 5);
    assert.equal(lost.answers, false);
    assert.ok(lost.freshest);
    const refused = await expectCode(5, shop, ['deploy', '--yes'], { env: { VERSION: 'v1' } });
    assert.match(refused.stderr, /seawall catalog promote/);
    const seconds = await timed(async () => {
      const result = await promote('host2');
      assert.equal(result.source, 'snapshot');
      assert.deepEqual([result.missing, result.unreachable], [[], ['host1']]);
      t.diagnostic(`from a snapshot ${Math.round((result.snapshot?.snapshot.ageMs ?? 0) / 1000)} s old`);
    });
    t.diagnostic(`host1 off: promoted host2 in ${seconds} s`);
    assert.equal((await catalogStatus()).host, 'host2');
    await startHost(lab, 'host1');
    const followed = await timed(() =>
      until('host1 goes by the new place, in its file too', 180, async () => {
        const { hosts } = await catalogStatus();
        const { stdout } = await onHost('host1', [
          'sudo',
          'grep',
          '-c',
          `'"epoch": 4'`,
          '/etc/seawall/cluster.json',
        ]);
        return hosts.find(({ host }) => host === 'host1')?.epoch === 4 && stdout.trim() === '1';
      }),
    );
    t.diagnostic(`host1 back on: follows after ${followed} s`);
  });
  await until('its edge serves', 120, async () => (await ask()).status === 200);
  await until('a plan sees everybody', 180, async () => /^No change/.test(await planned('v1')));
});

test('the host of the catalog and its disk are gone: another is made the catalog, the host is set up anew, and deploy, scale and rollback work', async (t) => {
  await promote('host1');
  await withoutLoss(t, ['v1', 'v2'], async () => {
    await stopHost(lab, 'host1');
    const { source, missing } = await promote('host3');
    assert.deepEqual([source, missing], ['snapshot', []]);
    await emptyDisk(lab, 'host1');
    await startHost(lab, 'host1');
    await onHost('host1', ['sudo', 'rm', '-rf', '/etc/seawall', '/var/lib/seawall']);
    const deploy = await timed(() => deployShop(shop, { VERSION: 'v2' }));
    const scale = await timed(() =>
      expectCode(0, shop, ['scale', 'web=3', '--yes'], { env: { VERSION: 'v2' } }),
    );
    const rollback = await timed(() => expectCode(0, shop, ['rollback', '1', '--yes']));
    t.diagnostic(
      `disk gone: deploy with the host set up anew ${deploy} s, scale ${scale} s, rollback ${rollback} s`,
    );
  });
  const { host, epoch, code } = await catalogStatus();
  assert.deepEqual([code, host, epoch], [0, 'host3', 6]);
  assert.equal((await ask()).status, 200);
});

test('a catalog put together from what the hosts have knows hosts, networks, volumes, routes and releases', async (t) => {
  const before = (await expectCode(0, shop, ['releases', '--json'])).stdout;
  const plan = await planned('v1');
  await withoutLoss(t, ['v1', 'v2'], async () => {
    for (const host of ['host1', 'host2', 'host3'])
      await onHost(host, ['sudo', 'rm', '-rf', '/var/lib/seawall/agent/catalog']);
    const seconds = await timed(async () => {
      const { source, missing } = await promote('host2', '--rebuild');
      assert.deepEqual([source, missing], ['rebuild', []]);
    });
    t.diagnostic(`rebuilt in ${seconds} s`);
    assert.equal((await expectCode(0, shop, ['releases', '--json'])).stdout, before);
    assert.equal(await planned('v1'), plan);
    await expectCode(0, shop, ['rollback', '--yes']);
  });
});
