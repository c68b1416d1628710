import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pass } from 'node:timers/promises';
import { cutHost, healHost, startHost, stopHost } from '../../../lab/hosts.ts';
import { deployShop, expectCode, lab, onHost, projectFolder, underLoad, until } from '../core/stage.ts';
import type { LoadReport } from '../load/report.ts';

const shop = projectFolder('shop');
await deployShop(shop, { VERSION: 'v1' });

/** What may happen to requests that were sent to a replica before it was marked out, and nothing else. */
interface Damage {
  readonly report: LoadReport;
  /** Milliseconds into the load at which the fault was made. */
  readonly faultMs: number;
}

/** Failures may only begin before the 10th second after the fault. */
function assertBounded(t: TestContext, what: string, { report, faultMs }: Damage): void {
  const times = report.failures.map((failure) => failure.atMs - faultMs);
  const last = Math.max(0, ...times);
  t.diagnostic(
    `${what}: ${report.requests} requests, ${report.failed} failed (${reasons(report)}), ` +
      `the last of them sent ${(last / 1000).toFixed(1)} s after the fault, slowest answer ${Math.round(report.maxMs)} ms`,
  );
  assert.ok(report.requests > 1000);
  assert.ok(report.failures.length === report.failed, 'every failure is known by name');
  for (const failure of report.failures) {
    const afterMs = failure.atMs - faultMs;
    // A slow answer was asked for up to 3 s before the fault.
    assert.ok(
      afterMs > -3500 && afterMs < 10_000,
      `${afterMs} ms after the fault: ${JSON.stringify(failure)}`,
    );
    // Sent again, an answer that takes 3 s comes after the client's patience of 10 s when it was asked for before the fault.
    const cameTooLate = failure.kind === 'slow' && failure.reason === 'timeout' && afterMs < 1000;
    assert.ok(
      failure.kind === 'post' || cameTooLate,
      `it could have been sent again: ${JSON.stringify(failure)}`,
    );
  }
}

const reasons = (report: LoadReport): string =>
  Object.entries(report.reasons)
    .map(([reason, count]) => `${reason}: ${count}`)
    .join(', ') || 'none';

async function whileFailing(fault: () => Promise<void>, recovered: () => Promise<void>): Promise<Damage> {
  const startMs = performance.now();
  let faultMs = 0;
  const report = await underLoad({ versions: ['v1'], service: 'web' }, async () => {
    await pass(4000);
    faultMs = performance.now() - startMs;
    await fault();
    await recovered();
  });
  return { report, faultMs };
}

const passing = async (): Promise<boolean> => {
  const { stdout } = await expectCode(0, shop, ['ps', '--json'], { env: { VERSION: 'v1' } });
  const { replicas } = JSON.parse(stdout) as { replicas: readonly { state: string }[] };
  return replicas.length >= 7 && replicas.every(({ state }) => state === 'healthy');
};

const recovers = (what: string) => async (): Promise<void> => {
  const fromMs = performance.now();
  // Long enough that what the fault does late is seen too.
  await until(what, 90, async () => performance.now() - fromMs > 15_000 && (await passing()));
};

test('SIGKILL of a replica: only what it had taken and must not be sent again is lost', async (t) => {
  const { stdout } = await onHost('host3', ['docker', 'ps', '-q', '--filter', 'label=seawall.service=web']);
  const [id] = stdout.split('\n');
  assert.ok(id, 'host3 runs a replica of web');
  const damage = await whileFailing(async () => {
    const { code, stderr } = await onHost('host3', [
      `kill -9 $(docker inspect --format '{{.State.Pid}}' ${id})`,
    ]);
    assert.equal(code, 0, stderr);
  }, recovers('the replica is back'));
  assertBounded(t, 'SIGKILL of a replica', damage);
});

test('a host that loses its power', async (t) => {
  const damage = await whileFailing(async () => {
    await stopHost(lab, 'host3');
    await pass(10_000);
    await startHost(lab, 'host3');
  }, recovers('everything of host3 serves again'));
  assertBounded(t, 'a host off and on', damage);
});

test('a host that is cut from the network, and back', async (t) => {
  const damage = await whileFailing(async () => {
    await cutHost(lab, 'host3');
    await pass(30_000);
    await healHost(lab, 'host3');
  }, recovers('everything of host3 serves again'));
  assertBounded(t, 'a host cut off and back', damage);
});
