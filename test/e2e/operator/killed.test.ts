/** The operator dies at each step of a deploy: nothing is lost, the truth can be seen, and the next deploy finishes it. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeDownLab } from '../../../lab/hosts.ts';
import type { Progress } from '../../../src/progress.ts';
import { reportText } from '../load/report.ts';
import { killGroup, type Project, Stage } from './stage.ts';

let stage: Stage;
let walk: Project;

before(async () => {
  stage = await Stage.open('operator', { host1: ['edge', 'app'], host2: ['app'] });
  walk = stage.project();
  await walk.expect(0, ['deploy', '--yes'], { VERSION: 'k0' });
});

after(async () => {
  if (stage) await takeDownLab(stage.lab);
});

/** Every kind of moment in a deploy of the walk, as its progress tells it; the first event that fits is the moment. */
const MOMENTS: readonly (readonly [name: string, kind: Progress['kind'], about: RegExp])[] = [
  ['the hosts are checked', 'begin', /^preflight$/],
  ['images are in place', 'end', /^images$/],
  ['the release is recorded', 'begin', /^rollout$/],
  ['a task begins', 'begin', /^task-migrate$/],
  ['a task runs', 'line', /^migrate migrating/],
  ['a service that stops first drains', 'note', /store-1-swap draining/],
  ['it is being stopped', 'note', /store-1-swap stopping/],
  ['its successor starts', 'note', /store-1-swap starting/],
  ['one service is done', 'end', /^roll-store$/],
  ['new replicas start', 'note', /web-\d-swap starting/],
  ['a new replica is healthy', 'note', /web-\d-swap healthy/],
  ['an old replica drains', 'note', /web-\d-swap draining/],
  ['an old replica is being stopped', 'note', /web-\d-swap stopping/],
  ['the first replica is replaced', 'end', /web-\d-swap$/],
  ['all is done but recorded', 'end', /^rollout$/],
];

/** Moments at which no replica has changed yet: the deploy that goes on from there is the next one to be killed. */
const EARLY: readonly string[] = ['the hosts are checked', 'images are in place', 'a task begins'];

/** For one moment alone: `WALK='an old replica' npm run e2e -- killed`. */
const only = new RegExp(process.env.WALK ?? '');

const aboutOf = (event: Progress): string =>
  event.kind === 'line'
    ? `${event.from} ${event.text}`
    : event.kind === 'note'
      ? `${event.id} ${event.text}`
      : event.id;

/** Deploys until the moment comes, and kills the command with everything that it started. */
async function killAt(
  [name, kind, about]: (typeof MOMENTS)[number],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  let rest = '';
  const { code, stdout, stderr } = await walk.run(['deploy', '--yes', '--json', '--verbose'], {
    env,
    onError: (text, child) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      const events = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Progress);
      if (events.some((event) => event.kind === kind && about.test(aboutOf(event)))) killGroup(child);
    },
  });
  assert.equal(code, -1, `the moment "${name}" never came:\n${stderr}\n${stdout}`);
}

interface Row {
  readonly service: string;
  readonly kind: string;
  readonly state: string;
  readonly host: string;
  readonly container?: string;
}

async function rows(): Promise<readonly Row[]> {
  const { stdout } = await walk.run(['ps', '--json']);
  return (JSON.parse(stdout) as { replicas: readonly Row[] }).replicas;
}

const placed = async (): Promise<string[]> =>
  (await Promise.all(['host1', 'host2'].map((host) => stage.containers(host)))).flat().sort();

/** What `ps` lists is what the hosts have, and a plan sees work to do. */
async function assertTruth(moment: string, env: Readonly<Record<string, string>>): Promise<void> {
  const [listed, there, plan] = await Promise.all([
    rows(),
    placed(),
    walk.run(['plan', '--exit-code'], { env }),
  ]);
  const seen = listed.filter(({ kind, host }) => kind === 'replica' && host !== null);
  const replicas = there.filter((name) => !name.includes('-task-'));
  assert.equal(seen.length, replicas.length, `${moment}: ${JSON.stringify(listed)}\n${there.join(' ')}`);
  // Of the last moment the record may have been written before the signal came: then there is nothing left to do.
  const isDone = moment === 'all is done but recorded' && plan.code === 0;
  assert.ok(isDone || plan.code === 3, `${moment}: ${plan.stdout}${plan.stderr}`);
}

/** Three replicas, well, of the version; nothing else; nothing to do; nobody holds the lease. */
async function assertConverged(moment: string, version: string): Promise<void> {
  const env = { VERSION: version };
  const wanted = 'store healthy,web healthy,web healthy';
  const isWell = async (): Promise<boolean> => {
    const states = (await rows()).map(({ service, state }) => `${service} ${state}`);
    return states.sort().join() === wanted;
  };
  await stage.until(`${moment}: ${wanted}, and nothing else`, isWell);
  const [there, plan, lock] = await Promise.all([
    placed(),
    walk.run(['plan', '--exit-code'], { env }),
    walk.run(['lock', 'status']),
  ]);
  assert.equal(plan.code, 0, `${moment}: ${plan.stdout}${plan.stderr}`);
  assert.equal(lock.code, 0, `${moment}: ${lock.stdout}`);
  assert.equal(there.length, 3, `${moment}: ${there.join(' ')}`);
  assert.deepEqual(await walk.served('host1'), [version], moment);
}

test('the operator killed at each step of a deploy: no request is lost, and the next deploy finishes the work', async (t) => {
  const report = await walk.underLoad('host1', async () => {
    for (const [index, moment] of MOMENTS.entries()) {
      if (!only.test(moment[0])) continue;
      const env = { VERSION: `k${index + 1}` };
      await killAt(moment, env);
      // Once the lease ends by itself; for the others a human's way is the quicker one.
      const isWaiting = moment[0] === 'the release is recorded';
      if (!isWaiting) await walk.expect(0, ['lock', 'release', '--yes']);
      await assertTruth(moment[0], env);
      if (EARLY.includes(moment[0])) continue;
      const startedAt = performance.now();
      await walk.expect(0, ['deploy', '--yes', ...(isWaiting ? ['--lock-wait', '2m'] : [])], env);
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      t.diagnostic(`killed when ${moment[0]}: the next deploy took ${seconds} s`);
      await assertConverged(moment[0], env.VERSION);
    }
  });
  const { length } = MOMENTS.filter(([name]) => only.test(name));
  t.diagnostic(
    `${report.requests} requests while the operator died ${length} times, ${report.failed} failed`,
  );
  assert.ok(report.requests > 100 * length, `${report.requests}`);
  assert.equal(report.failed, 0, reportText(report));
});

test('a release that is not well, left by a killed operator, does not take the place of what serves', async (t) => {
  const [good] = await walk.served('host1');
  const env = { VERSION: 'unwell' };
  const unwell = join(walk.folder, 'compose.override.yaml');
  const healthcheck = { test: ['CMD', 'false'], interval: '2s', retries: 5 };
  writeFileSync(unwell, JSON.stringify({ services: { web: { healthcheck } } }));
  const report = await walk.underLoad('host1', async () => {
    await killAt(['new replicas start', 'note', /web-\d-swap (\d+ s,|waiting for)/], env);
    await walk.expect(0, ['lock', 'release', '--yes']);
    // The same files again: the container is there, and still not well.
    const failed = await walk.expect(1, ['deploy', '--yes'], env);
    assert.match(failed.stdout, /not healthy|health check/);
  });
  rmSync(unwell);
  t.diagnostic(`${report.requests} requests, ${report.failed} failed`);
  assert.equal(report.failed, 0, reportText(report));
  await assertConverged('a release that is not well', good ?? '');
});
