import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { LoadReport } from '../load/report.ts';
import { reportText } from '../load/report.ts';
import {
  ask,
  deployShop,
  expectCode,
  onHost,
  projectFolder,
  seawall,
  underLoad,
  until,
  versionsServed,
} from './stage.ts';

const shop = projectFolder('shop');

function assertLossless(t: TestContext, report: LoadReport, what: string, atLeast = 1000): void {
  t.diagnostic(`${what}:\n${reportText(report)}`);
  assert.ok(report.requests >= atLeast, `too few requests to mean anything: ${report.requests}`);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
}

test('one command makes three bare hosts serve the project', async () => {
  const { stdout } = await deployShop(shop, { VERSION: 'v1' });
  assert.match(stdout, /shop\.example/);
  assert.deepEqual(await versionsServed(), ['v1']);
  const instances = new Set<string>();
  for (let count = 0; count < 40; count++) instances.add(String(JSON.parse((await ask()).body).instance));
  assert.equal(instances.size, 4, 'all four replicas get requests');
});

test('planning again finds nothing and touches nothing', async (t) => {
  const containers = async (): Promise<string[]> =>
    Promise.all(
      ['host1', 'host2', 'host3'].map(
        async (host) => (await onHost(host, ['docker', 'ps', '-aq', '--no-trunc'])).stdout,
      ),
    );
  const before = await containers();
  const startedAt = performance.now();
  const plan = await expectCode(0, shop, ['plan', '--exit-code'], { env: { VERSION: 'v1' } });
  t.diagnostic(`plan without changes over three hosts: ${Math.round(performance.now() - startedAt)} ms`);
  assert.match(plan.stdout, /No change/);
  await expectCode(0, shop, ['deploy', '--yes'], { env: { VERSION: 'v1' } });
  assert.deepEqual(await containers(), before);
});

test('a saved plan is refused when the files changed since', async () => {
  const file = `${shop.folder}/release.plan`;
  await expectCode(0, shop, ['plan', '--out', file], { env: { VERSION: 'v2' } });
  const refused = await seawall(shop, ['deploy', file, '--yes'], { env: { VERSION: 'v3' } });
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /stale/);
  assert.deepEqual(await versionsServed(), ['v1']);
});

test('under load: three deploys, scale up and down, a rollback and agent restarts lose nothing', async (t) => {
  const report = await underLoad({ versions: ['v1', 'v2', 'v3', 'v4'] }, async () => {
    for (const version of ['v2', 'v3', 'v4']) {
      const { stdout } = await deployShop(shop, { VERSION: version });
      t.diagnostic(
        stdout
          .split('\n')
          .filter((line) => /requests/.test(line))
          .join('\n'),
      );
      assert.deepEqual(await versionsServed(), [version]);
    }
    await expectCode(0, shop, ['scale', 'web=8', '--yes'], { env: { VERSION: 'v4' } });
    await expectCode(0, shop, ['scale', 'web=2', '--yes'], { env: { VERSION: 'v4' } });
    await expectCode(0, shop, ['rollback', '--yes']);
    for (const host of ['host1', 'host2']) await restartAgent(host);
  });
  assertLossless(t, report, 'deploys, scale, rollback, agent restarts');
});

test('calls from web to api by name lose nothing while api is deployed', async (t) => {
  await deployShop(shop, { VERSION: 'v5' });
  const client = { versions: ['v5'], apiVersions: ['v5', 'a2', 'a3'], mix: 'get=20,api=80' };
  const report = await underLoad(client, async () => {
    await deployShop(shop, { VERSION: 'v5', API_VERSION: 'a2' });
    await deployShop(shop, { VERSION: 'v5', API_VERSION: 'a3' });
  });
  assertLossless(t, report, 'api deployed twice under calls by name');
});

test('negative control: without acknowledgements the same client reports failures', async (t) => {
  const report = await underLoad({ versions: ['v5', 'v6'] }, async () => {
    await deployShop(shop, { VERSION: 'v6', SEAWALL_PROVE_ACKNOWLEDGEMENT: 'off' });
  });
  t.diagnostic(`negative control:\n${reportText(report)}`);
  const cut = report.failed - (report.reasons.version ?? 0);
  assert.ok(cut > 0, 'a client that never sees a failure proves nothing');
});

test('a rollback returns to the release before and says which tasks ran since', async () => {
  const { stdout } = await expectCode(0, shop, ['rollback', '--yes']);
  assert.match(stdout, /migrate ran in release/);
  assert.deepEqual(await versionsServed(), ['v5']);
});

const broken: readonly (readonly [what: string, env: Readonly<Record<string, string>>, shows: RegExp])[] = [
  ['crashes at its start', { CRASH: '1' }, /exited with code 1\b/],
  ['never becomes healthy', { NEVER_HEALTHY: '1' }, /not healthy|health check/],
  ['fails its migration', { MIGRATE_FAIL: '1' }, /may have changed the schema/],
];

for (const [what, env, shows] of broken) {
  test(`a release that ${what} leaves the old one serving on all hosts`, async (t) => {
    const good = await versionsServed();
    const report = await underLoad({ versions: good }, async () => {
      const failed = await seawall(shop, ['deploy', '--yes'], { env: { VERSION: 'bad', ...env } });
      const screen = failed.stdout + failed.stderr;
      assert.equal(failed.code, 1, screen);
      assert.match(screen, shows);
    });
    assertLossless(t, report, `a release that ${what}`, 200);
    assert.deepEqual(await versionsServed(), good);
  });
}

test('Ctrl-C in the middle of a deploy returns to what served before, and leaves nothing draining', async (t) => {
  const good = await versionsServed();
  const report = await underLoad({ versions: [...good, 'cut'] }, async () => {
    const interrupted = await seawall(shop, ['deploy', '--yes'], {
      env: { VERSION: 'cut' },
      interruptAt: /✔ replace web-1/,
    });
    assert.equal(interrupted.code, 130, interrupted.stdout + interrupted.stderr);
    assert.match(interrupted.stdout, /was interrupted and was rolled back; release \d+ serves everywhere/);
    assert.match(interrupted.stdout, /→ seawall .*deploy --yes begins again/);
  });
  assertLossless(t, report, 'a deploy that was interrupted', 200);
  assert.deepEqual(await versionsServed(), good);
  const { stdout } = await expectCode(0, shop, ['ps']);
  assert.doesNotMatch(stdout, /draining/);
});

test('an image that cannot be had is an error before anything changes', async () => {
  const good = await versionsServed();
  const bad = projectFolder('shop', 'shop-bad-image');
  writeFileSync(
    join(bad.folder, 'compose.override.yaml'),
    'services:\n  extra:\n    image: registry.invalid/nothing:1\n',
  );
  const failed = await seawall(bad, ['deploy', '--yes'], { env: { VERSION: 'v7' } });
  assert.notEqual(failed.code, 0);
  assert.match(failed.stderr, /registry\.invalid\/nothing:1/);
  assert.deepEqual(await versionsServed(), good);
});

async function restartAgent(host: string): Promise<void> {
  await onHost(host, ['docker', 'restart', 'seawall-agent']);
  const status = ['docker', 'ps', '--filter', 'name=seawall-agent', '--format', '"{{.Status}}"'];
  await until(`the agent of ${host} is back`, 60, async () =>
    /healthy/.test((await onHost(host, status)).stdout),
  );
}
