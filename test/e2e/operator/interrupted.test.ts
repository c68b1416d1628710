/** Ctrl-C at each step of a deploy: no request is lost, and the release before serves again, or nothing had changed. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeDownLab } from '../../../lab/hosts.ts';
import { reportText } from '../load/report.ts';
import { interruptGroup, Stage } from './stage.ts';
import { WALKED, Walk } from './walk.ts';

/** Replicas take their time to stop: most moments of an interruption are then those of a stop under way. */
const GOOD = { VERSION: 'good', SLOW_STOP_MS: '4000' };

let stage: Stage;
let walk: Walk;

before(async () => {
  stage = await Stage.open('interrupted', { host1: ['edge', 'app'], host2: ['app'] });
  walk = new Walk(stage);
  await walk.project.expect(0, ['deploy', '--yes'], GOOD);
});

after(async () => {
  if (stage) await takeDownLab(stage.lab);
});

/** Nothing of the release is there yet. */
const EARLY: readonly string[] = ['the hosts are checked', 'images are in place'];

test('Ctrl-C at each step of a deploy: no request is lost, and the release before serves', async (t) => {
  const report = await walk.project.underLoad('host1', async () => {
    for (const [index, moment] of WALKED.entries()) {
      const [name] = moment;
      const env = { ...GOOD, VERSION: `i${index + 1}` };
      let interruptedAt = 0;
      const { code, stdout, stderr } = await walk.deployUntil(moment, env, (child) => {
        interruptedAt = performance.now();
        interruptGroup(child);
      });
      const seconds = Math.round((performance.now() - interruptedAt) / 1000);
      const said = `${name}: exit ${code}\n${stdout}\n${stderr}`;
      t.diagnostic(`Ctrl-C when ${name}: ${seconds} s until all was as before`);
      // At the last moment the release may be recorded already: then it serves.
      const isDone = name === 'all is done but recorded' && code === 0;
      if (!isDone) assert.equal(code, 130, said);
      if (!isDone && !EARLY.includes(name)) {
        const result = JSON.parse(stdout) as { outcome: string };
        assert.equal(result.outcome, 'reverted', said);
      }
      await walk.assertConverged(name, isDone ? env : GOOD);
    }
  });
  const { length } = WALKED;
  t.diagnostic(`${report.requests} requests during ${length} interruptions, ${report.failed} failed`);
  assert.ok(report.requests > 100 * length, `${report.requests}`);
  assert.equal(report.failed, 0, reportText(report));
});

test('Ctrl-C lets a migration under way finish a step or clean up, instead of killing it', async () => {
  const script = "trap 'echo cleaned up > /data/mark; exit 1' TERM; echo begun; sleep 300 & wait";
  const migrate = { command: ['sh', '-c', script], volumes: ['data:/data'] };
  const override = join(walk.project.folder, 'compose.override.yaml');
  writeFileSync(override, JSON.stringify({ services: { migrate } }));
  const begun = ['a task runs', 'line', /^migrate begun/] as const;
  const env = { ...GOOD, VERSION: 'half' };
  const { code, stdout, stderr } = await walk.deployUntil(begun, env, interruptGroup);
  rmSync(override);
  assert.equal(code, 130, `${stdout}\n${stderr}`);
  const { stdout: mark } = await walk.project.expect(0, ['exec', 'store', 'cat', '/data/mark']);
  assert.equal(mark, 'cleaned up\n');
});

test('Ctrl-C while a project is taken down: what was told to stop is gone, and a deploy has all of it back', async () => {
  const stopping = ['a replica is told to stop', 'note', /^down-walk-web-\d\S* stopping/] as const;
  const { code, stdout } = await walk.runUntil(['down', '--yes'], stopping, GOOD, interruptGroup);
  assert.equal(code, 130, stdout);
  assert.match(stdout, /a part of walk is gone/);
  assert.match(stdout, /Have it back: seawall deploy/);
  const left = (await Promise.all(['host1', 'host2'].map((host) => stage.containers(host)))).flat();
  assert.ok(left.length < 3, `none that was told to stop is left: ${left.join(' ')}`);
  await walk.project.expect(0, ['deploy', '--yes'], GOOD);
  await walk.assertConverged('taken down by half', GOOD);
});
