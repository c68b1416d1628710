import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actualOf, host, planFor, project, replicaOf, service } from '../../test/plan-samples.ts';
import { hash, runPlan, World } from '../../test/rollout-model.ts';
import type { Desired, DesiredService } from '../compose/desired.ts';
import type { Plan, Step } from './change.ts';
import { diff } from './diff.ts';

const healthy = { condition: 'service_healthy', required: true, restart: false } as const;
const data: DesiredService['mounts'] = [{ kind: 'volume', volume: 'data', target: '/data', readOnly: false }];
const stepOf = (plan: Plan, service: string): Step | undefined =>
  plan.steps.find((step) => 'service' in step && step.service === service);
const afterOf = (plan: Plan, service: string): readonly string[] | undefined => {
  const step = stepOf(plan, service);
  return step !== undefined && 'after' in step ? step.after : undefined;
};

/** What runs of a project, as deployed on one host. */
const runningOn = (desired: Desired) => ({
  ...actualOf(
    host('app1', {
      volumes: ['polls_data'],
      replicas: Object.values(desired.services).map((each) =>
        replicaOf(desired, each, 1, 'app1', `old-${each.name}`),
      ),
    }),
  ),
  current: { release: 1, desired },
});

test('a database that is given another name ends before the one of the new name starts on its volume', () => {
  const before = project(service('db', { mounts: data }), service('web', { dependsOn: { db: healthy } }));
  const after = project(
    service('postgres', { mounts: data }),
    service('web', { dependsOn: { postgres: healthy } }),
  );
  const plan = planFor(after, runningOn(before));
  assert.deepEqual(afterOf(plan, 'postgres'), ['db']);
  assert.deepEqual(afterOf(plan, 'db'), []);
  assert.ok(
    plan.changes.some(({ why }) => why[0]?.endsWith('ends before postgres starts on its volume')),
    JSON.stringify(plan.changes),
  );
  // The way back is the same the other way round.
  const renamed = { ...runningOn(after), current: { release: 1, desired: before } };
  const back = planFor(before, renamed);
  assert.deepEqual(afterOf(back, 'db'), ['postgres']);
});

test('what only reads a volume, or was there before, is not waited for', () => {
  const reads: DesiredService['mounts'] = [
    { kind: 'volume', volume: 'data', target: '/data', readOnly: true },
  ];
  const before = project(service('api', { mounts: data }), service('worker', { mounts: data }));
  const after = project(
    service('api', { mounts: data, image: 'api:2' }),
    service('reports', { mounts: reads }),
  );
  const plan = planFor(after, runningOn(before));
  assert.deepEqual(afterOf(plan, 'api'), []);
  assert.deepEqual(afterOf(plan, 'reports'), []);
  assert.deepEqual(afterOf(plan, 'worker'), ['api', 'reports']);
});

test('a service that others call goes when its successor serves, and stays when that fails', () => {
  const before = project(
    service('api', { replicas: 2 }),
    service('web', { dependsOn: { api: healthy }, container: { Env: ['API=http://api'], HostConfig: {} } }),
  );
  const after = project(
    service('backend', { replicas: 2 }),
    service('web', {
      dependsOn: { backend: healthy },
      container: { Env: ['API=http://backend'], HostConfig: {} },
    }),
  );
  for (const bad of [[], ['backend']]) {
    for (let seed = 1; seed <= 50; seed++) {
      const world = new World([host('app1')]);
      let state = seed;
      const choose = (count: number): number => {
        state = (state * 48_271) % 2_147_483_647;
        return state % count;
      };
      const deploy = (desired: Desired, release: number, look: () => void) =>
        runPlan(
          world,
          diff({
            ...{ desired, actual: world.actual(), hash, imageIds: {}, unbuilt: new Set<string>() },
            withoutTasks: false,
          }),
          {
            ...{ desired, release, bad: new Set(bad), choose, look, onCreate: () => {} },
            ...{ crashAfter: Number.POSITIVE_INFINITY, isReturn: false },
          },
        );
      deploy(before, 1, () => {});
      const serves = (name: string): boolean => world.isServing(name, 1) || world.isServing(name, 2);
      deploy(after, 2, () => assert.ok(serves('api') || serves('backend'), `order ${seed}, bad: ${bad}`));
      assert.equal(serves('api'), bad.length > 0);
    }
  }
});

test('a host that left the file with replicas on it is named, with how to go on', () => {
  const desired = project(service('web', { replicas: 2 }));
  const plan = planFor(desired, { ...runningOn(desired), unnamed: { app2: ['web-2'] } });
  assert.deepEqual(plan.steps, []);
  assert.match(
    plan.obstacles[0]?.message ?? '',
    /is not in seawall.yml, and web-2 of this project runs there/,
  );
  assert.match(plan.obstacles[0]?.remedy ?? '', /seawall machine rm app2/);
});
