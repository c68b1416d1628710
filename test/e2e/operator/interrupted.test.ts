/** Ctrl-C at each step of a deploy: no request is lost, and the release before serves again, or nothing had changed. */
import assert from 'node:assert/strict';
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
