/** The operator dies at each step of a deploy: nothing is lost, the truth can be seen, and the next deploy finishes it. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeDownLab } from '../../../lab/hosts.ts';
import { reportText } from '../load/report.ts';
import { killGroup, Stage } from './stage.ts';
import { type Moment, WALKED, Walk } from './walk.ts';

let stage: Stage;
let walk: Walk;

before(async () => {
  stage = await Stage.open('operator', { host1: ['edge', 'app'], host2: ['app'] });
  walk = new Walk(stage);
  await walk.project.expect(0, ['deploy', '--yes'], { VERSION: 'k0' });
});

after(async () => {
  if (stage) await takeDownLab(stage.lab);
});

/** Moments at which no replica has changed yet: the deploy that goes on from there is the next one to be killed. */
const EARLY: readonly string[] = ['the hosts are checked', 'images are in place', 'a task begins'];

/** Deploys until the moment comes, and kills the command with everything that it started. */
async function killAt(moment: Moment, env: Readonly<Record<string, string>>): Promise<void> {
  const { code, stdout, stderr } = await walk.deployUntil(moment, env, killGroup);
  assert.equal(code, -1, `${moment[0]}: it ended before it was killed:\n${stderr}\n${stdout}`);
}

test('the operator killed at each step of a deploy: no request is lost, and the next deploy finishes the work', async (t) => {
  const report = await walk.project.underLoad('host1', async () => {
    for (const [index, moment] of WALKED.entries()) {
      const env = { VERSION: `k${index + 1}` };
      await killAt(moment, env);
      // Once the lease ends by itself; for the others a human's way is the quicker one.
      const isWaiting = moment[0] === 'the release is recorded';
      if (!isWaiting) await walk.project.expect(0, ['lock', 'release', '--yes']);
      await walk.assertTruth(moment[0], env);
      if (EARLY.includes(moment[0])) continue;
      const startedAt = performance.now();
      await walk.project.expect(0, ['deploy', '--yes', ...(isWaiting ? ['--lock-wait', '2m'] : [])], env);
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      t.diagnostic(`killed when ${moment[0]}: the next deploy took ${seconds} s`);
      await walk.assertConverged(moment[0], env);
    }
  });
  const { length } = WALKED;
  t.diagnostic(
    `${report.requests} requests while the operator died ${length} times, ${report.failed} failed`,
  );
  assert.ok(report.requests > 100 * length, `${report.requests}`);
  assert.equal(report.failed, 0, reportText(report));
});

test('what a killed operator told to stop is not built on by whoever deploys the version before meanwhile', async (t) => {
  const slow = { VERSION: 'slow', SLOW_STOP_MS: '9000' };
  await walk.project.expect(0, ['deploy', '--yes'], slow);
  const report = await walk.project.underLoad('host1', async () => {
    for (const moment of [
      ['an old replica is being stopped', 'note', /web-\d-swap stopping/],
      ['one that stops first is being stopped', 'note', /store-1-swap stopping/],
    ] satisfies Moment[]) {
      await killAt(moment, { ...slow, VERSION: `after ${moment[0]}` });
      await walk.project.expect(0, ['lock', 'release', '--yes']);
      await walk.project.expect(0, ['deploy', '--yes'], slow);
      await walk.assertConverged(moment[0], slow);
    }
  });
  t.diagnostic(`${report.requests} requests, ${report.failed} failed`);
  assert.equal(report.failed, 0, reportText(report));
});

test('a release that is not well, left by a killed operator, does not take the place of what serves', async (t) => {
  const [good = ''] = await walk.project.served('host1');
  const env = { VERSION: 'unwell' };
  const unwell = join(walk.project.folder, 'compose.override.yaml');
  const healthcheck = { test: ['CMD', 'false'], interval: '2s', retries: 5 };
  writeFileSync(unwell, JSON.stringify({ services: { web: { healthcheck } } }));
  const report = await walk.project.underLoad('host1', async () => {
    await killAt(['new replicas start', 'note', /web-\d-swap (\d+ s,|waiting for)/], env);
    await walk.project.expect(0, ['lock', 'release', '--yes']);
    // The same files again: the container is there, and still not well.
    const failed = await walk.project.expect(1, ['deploy', '--yes'], env);
    assert.match(failed.stdout, /not healthy|health check/);
  });
  rmSync(unwell);
  t.diagnostic(`${report.requests} requests, ${report.failed} failed`);
  assert.equal(report.failed, 0, reportText(report));
  await walk.assertConverged('a release that is not well', { VERSION: good, SLOW_STOP_MS: '9000' });
});
