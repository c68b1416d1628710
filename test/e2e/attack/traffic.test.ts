import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findHost } from '../../../lab/hosts.ts';
import {
  ask,
  deployShop,
  lab,
  onHost,
  projectFolder,
  underLoad,
  until,
  versionsServed,
} from '../core/stage.ts';
import { reportText } from '../load/report.ts';

const shop = projectFolder('shop');
await deployShop(shop, { VERSION: 'f0' });
const HOSTS = ['host1', 'host2', 'host3'];

async function restart(host: string, container: string): Promise<void> {
  const { code, stderr } = await onHost(host, ['docker', 'restart', container]);
  assert.equal(code, 0, stderr);
  const format = '"{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}"';
  await until(`${container} of ${host} is back`, 90, async () =>
    /^running (healthy)?\s*$/.test(
      (await onHost(host, ['docker', 'inspect', '--format', format, container])).stdout,
    ),
  );
}

test('five rolling deploys, then restarts of the catalog and of every agent and server lose nothing', async (t) => {
  const versions = ['f1', 'f2', 'f3', 'f4', 'f5'];
  const report = await underLoad({ versions: ['f0', ...versions], service: 'web' }, async () => {
    for (const version of versions) {
      await deployShop(shop, { VERSION: version });
      assert.deepEqual(await versionsServed(), [version]);
    }
    // The server of host1 is the catalog's.
    for (const host of HOSTS)
      for (const name of ['seawall-server', 'seawall-agent']) await restart(host, name);
  });
  t.diagnostic(reportText(report));
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
  assert.ok(report.requests > 3000);
  const after = await underLoad({ versions: ['f5', 'f6'] }, async () => {
    await deployShop(shop, { VERSION: 'f6' });
  });
  assert.equal(after.failed, 0, 'a deploy after the restarts');
});

test('of two edges one restarts: clients that know both lose nothing', async (t) => {
  const file = join(shop.folder, 'edges.yml');
  writeFileSync(file, JSON.stringify({ hosts: { host2: { roles: ['app', 'edge'] } } }));
  const both = { ...shop, files: [...shop.files, file] };
  await deployShop(both, { VERSION: 'f6' });
  const second = findHost(lab, 'host2').address;
  await until(
    'the second edge serves',
    30,
    async () => (await ask('/', 'shop.example', second)).status === 200,
  );
  const startMs = performance.now();
  const report = await underLoad({ versions: ['f6'], service: 'web', also: [second] }, async () => {
    await until('the load is under way', 10, async () => performance.now() - startMs > 3000);
    await restart('host2', 'seawall-edge');
    await restart('host2', 'seawall-agent');
    await until(
      'the second edge serves',
      30,
      async () => (await ask('/', 'shop.example', second)).status === 200,
    );
  });
  t.diagnostic(reportText(report));
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
  assert.ok(report.requests > 500);
  await deployShop(shop, { VERSION: 'f6' });
});
