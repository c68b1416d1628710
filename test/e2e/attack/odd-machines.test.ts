/** Clocks that differ, a host that is slow. */
import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { test } from 'node:test';
import { requireProgram } from '../../../lab/apt.ts';
import { runCommand } from '../../../lab/command.ts';
import { findHost } from '../../../lab/hosts.ts';
import { deployShop, expectCode, lab, projectFolder, underLoad, versionsServed } from '../core/stage.ts';
import { reportText } from '../load/report.ts';

const shop = projectFolder('shop');
await deployShop(shop, { VERSION: 's0' });

test('an operator whose clock is two days off deploys as any other, and the next one with a right clock too', async (t) => {
  await requireProgram('faketime', ['faketime'], () => undefined);
  const library = await runCommand('sh', ['-c', 'find /usr/lib -name libfaketime.so.1 | head -1']);
  for (const [offset, version] of [
    ['-2d', 's1'],
    ['+2d', 's2'],
  ] as const) {
    const skewed = {
      VERSION: version,
      LD_PRELOAD: library,
      FAKETIME: offset,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    const report = await underLoad({ service: 'web' }, async () => {
      await deployShop(shop, skewed);
    });
    t.diagnostic(`clock ${offset}: ${report.requests} requests, ${report.failed} failed`);
    assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
    assert.deepEqual(await versionsServed(), [version]);
  }
  await deployShop(shop, { VERSION: 's3' });
  const { stdout } = await expectCode(0, shop, ['releases', '--json']);
  const numbers = [...stdout.matchAll(/"number": (\d+)/g)].map((match) => Number(match[1]));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
    'releases are in the order of their deploys',
  );
  await expectCode(0, shop, ['rollback', '--yes']);
  assert.deepEqual(await versionsServed(), ['s2']);
});

test('a host with a tenth of a processor holds a deploy up and loses nothing', async (t) => {
  const { container } = findHost(lab, 'host3');
  await runCommand('docker', ['update', '--cpus', '0.15', container]);
  try {
    const startMs = performance.now();
    const report = await underLoad({ service: 'web', rate: 30 }, async () => {
      await deployShop(shop, { VERSION: 's4' });
    });
    t.diagnostic(`deploy in ${Math.round((performance.now() - startMs) / 1000)} s\n${reportText(report)}`);
    assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
    assert.deepEqual(await versionsServed(), ['s4']);
  } finally {
    // 0 would mean to leave the limit as it is.
    await runCommand('docker', ['update', '--cpus', `${cpus().length}`, container]);
  }
});
