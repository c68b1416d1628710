/** Engine 29, built from its Go module, on a host that runs replicas beside engines 20.10 and 28.5. */
process.env.SEAWALL_STAGE = 'engine-newest';

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runCommand } from '../../lab/command.ts';
import { buildNewestEngine, newestEngine } from '../../lab/engine-program.ts';
import { findHost, takeDownLab } from '../../lab/hosts.ts';
import { reportText } from './load/report.ts';

// After the name is set.
const { lab, deployShop, expectCode, onHost, projectFolder, underLoad, until, versionsServed } = await import(
  './core/stage.ts'
);

const shop = projectFolder('shop');
const newest = 'host3';

/** As an upgrade by hand: the program is replaced, its data stays. */
before(async () => {
  const program = await buildNewestEngine(console.log);
  const { container } = findHost(lab, newest);
  await runCommand('docker', ['cp', program, `${container}:/usr/local/bin/dockerd`]);
  await onHost(newest, ['service', 'docker', 'restart']);
  await until('the new engine answers', 60, async () =>
    (await engineVersion()).startsWith(`${newestEngine.major}.`),
  );
});

after(() => takeDownLab(lab));

const engineVersion = async (): Promise<string> =>
  (await onHost(newest, ['docker', 'version', '--format', '{{.Server.Version}}'])).stdout;

test('a cluster with engines 20.10, 28.5 and 29: set up, deployed twice under load, scaled, rolled back', async (t) => {
  await deployShop(shop, { VERSION: 'n1' });
  const { stdout } = await onHost(newest, [
    'docker',
    'info',
    '--format',
    '"{{.ServerVersion}} {{.Driver}} {{.DriverStatus}}"',
  ]);
  t.diagnostic(`engine ${stdout.trim()}`);
  const report = await underLoad({ service: 'web', versions: ['n1', 'n2', 'n3'] }, async () => {
    await deployShop(shop, { VERSION: 'n2' });
    await expectCode(0, shop, ['scale', 'web=6', '--yes'], { env: { VERSION: 'n2' } });
    await deployShop(shop, { VERSION: 'n3' });
    await expectCode(0, shop, ['rollback', '--yes']);
  });
  t.diagnostic(reportText(report));
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
  assert.deepEqual(await versionsServed(), ['n2']);
  const here = await onHost(newest, ['docker', 'ps', '-q', '--filter', 'label=seawall.service=web']);
  assert.notEqual(here.stdout.trim(), '', 'the new engine runs replicas');
});

test('logs, exec and run work there, and down leaves nothing', async () => {
  const { stdout: logs } = await expectCode(0, shop, ['--host', newest, 'logs']);
  assert.notEqual(logs, '');
  const { stdout } = await expectCode(0, shop, ['--host', newest, 'exec', 'web', 'echo', 'here']);
  assert.match(stdout, /here/);
  await expectCode(0, shop, ['down', '--yes', '--volumes']);
  const left = await onHost(newest, ['docker', 'ps', '-aq', '--filter', 'label=seawall.service']);
  assert.equal(left.stdout.trim(), '');
});
