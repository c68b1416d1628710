import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  catalogStatus,
  deployShop,
  expectCode,
  onHost,
  seawall,
  shop,
  timed,
  until,
  withoutLoss,
} from './catalog-stage.ts';

const DATA = '/var/lib/seawall/catalog';

await deployShop(shop, { VERSION: 'v1' });
const { host } = await catalogStatus();
// A small disk of its own for the catalog's data.
await asRoot(`cp -a ${DATA} /root/kept && mount -t tmpfs -o size=4m,mode=700 tmpfs ${DATA} && \
cp -a /root/kept/. ${DATA}/ && docker restart seawall-server`);
await until('the catalog answers', 180, async () => (await catalogStatus()).answers);

/** A shell line for the catalog's host. */
async function asRoot(line: string): Promise<void> {
  const { code, stderr } = await onHost(host, ['sudo', 'sh', '-c', `'${line}'`]);
  assert.equal(code, 0, stderr);
}

/** The disk's complaint reaches whoever asks for the status. */
const untilTroubled = (what: RegExp) =>
  until('the status says so', 180, async () => what.test((await catalogStatus()).problem ?? ''));

const untilWell = () =>
  until('the catalog writes again', 180, async () => {
    const { answers, problem } = await catalogStatus();
    return answers && problem === undefined;
  });

test("the catalog's disk full: it says so, a deploy is refused, reads and traffic go on, and it recovers by itself", async (t) => {
  await withoutLoss(t, ['v1'], async () => {
    await asRoot(
      `dd if=/dev/zero of=${DATA}/filler bs=4k 2>/dev/null; test $(df --output=avail ${DATA} | tail -1) -eq 0`,
    );
    t.diagnostic(`said after ${await timed(() => untilTroubled(/ENOSPC|no space/i))} s`);
    const refused = await seawall(shop, ['deploy', '--yes'], { env: { VERSION: 'v2' } });
    assert.equal(refused.code, 5, refused.stdout + refused.stderr);
    assert.match(refused.stderr, /disk takes no writes/);
    const { stdout } = await expectCode(0, shop, ['releases', '--json']);
    assert.ok((JSON.parse(stdout) as unknown[]).length > 0);
    await asRoot(`rm ${DATA}/filler`);
    t.diagnostic(`writes again after ${await timed(untilWell)} s`);
  });
  await withoutLoss(t, ['v1', 'v2'], async () => {
    await deployShop(shop, { VERSION: 'v2' });
  });
});

test('a catalog that starts on a read-only disk serves what is there, and recovers by itself', async (t) => {
  await withoutLoss(t, ['v2'], async () => {
    // While it is open for writing the disk would refuse this.
    await asRoot(`docker stop seawall-server && mount -o remount,ro ${DATA} && docker start seawall-server`);
    await untilTroubled(/EROFS|read-only/i);
    const { stdout } = await expectCode(0, shop, ['releases', '--json']);
    assert.ok((JSON.parse(stdout) as unknown[]).length > 0);
    await asRoot(`mount -o remount,rw ${DATA}`);
    t.diagnostic(`writes again after ${await timed(untilWell)} s`);
  });
  await expectCode(0, shop, ['lock', 'status']);
});
