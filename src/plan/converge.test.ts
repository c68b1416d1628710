import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hash, runPlan, World } from '../../test/rollout-model.ts';
import type { Desired, DesiredRoute, DesiredService, UpdateRule } from '../compose/desired.ts';
import type { ActualHost } from './actual.ts';
import type { Plan } from './change.ts';
import { configHash } from './config-hash.ts';
import { diff } from './diff.ts';

const NAMES = ['api', 'db', 'migrate', 'web', 'worker'] as const;
/** Cannot run twice at a time. */
const STOP_FIRST: ReadonlySet<string> = new Set(['db']);

const update = (name: string, parallelism: number): UpdateRule => ({
  ...{ parallelism, delayMs: 0, monitorMs: 5000, failureAction: 'rollback', maxFailureRatio: 0 },
  order: STOP_FIRST.has(name) ? 'stop-first' : 'start-first',
});

interface Choice {
  readonly replicas: number;
  readonly image: string;
  readonly parallelism: number;
  readonly needs: readonly string[];
  readonly restart: boolean;
}

function serviceOf(name: string, { replicas, image, parallelism, needs, restart }: Choice): DesiredService {
  const dependency = { condition: 'service_healthy', required: true, restart } as const;
  return {
    ...{ name, image, pull: 'missing', kind: name === 'migrate' ? 'task' : 'replica' },
    ...{ replicas: STOP_FIRST.has(name) ? Math.min(replicas, 2) : replicas },
    ...{ container: { HostConfig: {} }, health: { kind: 'running' }, ports: [] },
    mounts: name === 'db' ? [{ kind: 'volume', volume: 'data', target: '/data', readOnly: false }] : [],
    networks: { default: { aliases: [] } },
    // Names that come later in the alphabet depend on earlier ones: no cycles.
    dependsOn: Object.fromEntries(needs.filter((each) => each < name).map((each) => [each, dependency])),
    placement: { constraints: [], maxPerHost: 0 },
    ...{ update: update(name, parallelism), rollback: update(name, 0), drainMs: 1, stopGraceMs: 1 },
  };
}

const volume = { name: 'data', dockerName: 'polls_data', driver: 'local', driverOptions: {}, labels: {} };

function projectOf(choices: Readonly<Partial<Record<string, Choice>>>, port: number): Desired {
  const services = Object.entries(choices).flatMap(([name, choice]) => {
    if (!choice) return [];
    const needs = choice.needs.filter((each) => choices[each] !== undefined);
    return [[name, serviceOf(name, { ...choice, needs })] as const];
  });
  const route: DesiredRoute = {
    ...{ domain: 'polls.example', path: '/', catalogService: 'polls-web', service: 'web', port, tls: 'off' },
    ...{ bodyLimitBytes: 0, connectTimeoutMs: 1, readTimeoutMs: 1, sendTimeoutMs: 1, upstreamKeepaliveMs: 1 },
  };
  return {
    project: 'polls',
    services: Object.fromEntries(services),
    networks: { default: { name: 'default', internal: false } },
    volumes: { data: { ...volume, external: false } },
    routes: choices.web ? [route] : [],
    contents: {},
    notices: [],
  };
}

const choice = fc.record({
  replicas: fc.integer({ min: 0, max: 5 }),
  image: fc.constantFrom('a:1', 'a:2', 'a:3'),
  parallelism: fc.integer({ min: 0, max: 3 }),
  needs: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }),
  restart: fc.boolean(),
});
const project = fc
  .tuple(
    fc.record(Object.fromEntries(NAMES.map((name) => [name, choice])), { requiredKeys: [] }),
    fc.constantFrom(8000, 9000),
  )
  .map(([choices, port]) => projectOf(choices, port));
const hosts = fc
  .integer({ min: 1, max: 3 })
  .map((count) => Array.from({ length: count }, (_, index) => hostOf(`app${index + 1}`)));
const hostOf = (name: string): ActualHost => ({
  ...{ name, roles: ['app'], labels: {}, setup: [], platform: 'linux/amd64', replicas: [], volumes: [] },
});
const order = fc
  .infiniteStream(fc.nat(1000))
  .map((stream) => (count: number) => (stream.next().value ?? 0) % count);

const planOf = (desired: Desired, world: World, wayBack?: 'return'): Plan =>
  diff({
    ...{ desired, actual: world.actual(), hash, imageIds: {}, unbuilt: new Set(), withoutTasks: false },
    ...(wayBack ? { wayBack } : {}),
  });

const counted = ({ services }: Desired): DesiredService[] =>
  Object.values(services).filter(({ kind }) => kind === 'replica');

interface Deploy {
  readonly desired: Desired;
  readonly release: number;
  readonly choose: (count: number) => number;
  readonly bad?: ReadonlySet<string>;
  readonly crashAfter?: number;
  readonly wayBack?: 'return';
}

/** Plans and does it on the world, looking at every state in between. */
function deployOn(world: World, deploy: Deploy): 'done' | 'crashed' | 'failed' {
  const { desired, release, choose, wayBack } = deploy;
  const plan = planOf(desired, world, wayBack);
  assert.deepEqual(plan.obstacles, []);
  const moving = new Set(plan.steps.flatMap((step) => ('after' in step ? [step.service] : [])));
  const before = counted(desired).map((service) => ({
    service,
    numbers: Array.from({ length: service.replicas }, (_, at) => at + 1).filter((number) =>
      world.isServing(service.name, number),
    ),
  }));
  const look = (): void => {
    for (const { service, numbers } of before) {
      const away = numbers.filter((number) => !world.isServing(service.name, number));
      const rule = wayBack ? service.rollback : service.update;
      const most = STOP_FIRST.has(service.name) ? rule.parallelism || service.replicas : 0;
      assert.ok(away.length <= most, `${service.name}: ${away} do not serve, at most ${most} may be away`);
    }
    const alone = world.containers.filter(
      ({ service, state }) => STOP_FIRST.has(service) && state === 'running',
    );
    const numbers = alone.map(({ replica }) => replica);
    assert.equal(new Set(numbers).size, numbers.length, 'two containers write to one volume');
  };
  const onCreate = (name: string, done: ReadonlySet<string>): void => {
    for (const need of Object.keys(desired.services[name]?.dependsOn ?? {}))
      assert.ok(!moving.has(need) || done.has(need), `${name} is started before ${need} is done`);
  };
  const { bad = new Set<string>(), crashAfter = Number.POSITIVE_INFINITY } = deploy;
  return runPlan(world, plan, {
    desired,
    release,
    bad,
    choose,
    look,
    onCreate,
    crashAfter,
    isReturn: wayBack !== undefined,
  });
}

/** Everything that is desired serves, and nothing else is there; planning again finds nothing. */
function assertSettled(world: World, desired: Desired): void {
  const wanted = counted(desired).flatMap((service) =>
    Array.from(
      { length: service.replicas },
      (_, at) => `${service.name}-${at + 1} ${configHash(desired, service, hash)}`,
    ),
  );
  const there = world.containers.map(({ service, replica, config, state, isDraining, isHealthy }) =>
    [
      `${service}-${replica} ${config}`,
      state === 'running' ? '' : state,
      isDraining ? 'draining' : '',
      isHealthy ? '' : 'sick',
    ]
      .filter(Boolean)
      .join(' '),
  );
  assert.deepEqual(there.sort(), wanted.sort());
  assert.deepEqual(planOf(desired, world).changes, []);
}

test('property: doing a plan in any order that it allows reaches what is desired, and no replica that serves is missed', () => {
  fc.assert(
    fc.property(project, project, hosts, order, (first, second, on, choose) => {
      const world = new World(on);
      assert.equal(deployOn(world, { desired: first, release: 1, choose }), 'done');
      assertSettled(world, first);
      assert.equal(deployOn(world, { desired: second, release: 2, choose }), 'done');
      assertSettled(world, second);
    }),
    { numRuns: 300 },
  );
});

test('property: after an operator died at any moment, the next deploy of anything makes it whole', () => {
  fc.assert(
    fc.property(
      ...[project, project, project, hosts, order, fc.nat(60), fc.nat(60), fc.boolean()],
      (first, second, third, on, choose, ...[crash, again, settles]) => {
        const world = new World(on);
        deployOn(world, { desired: first, release: 1, choose });
        deployOn(world, { desired: second, release: 2, choose, crashAfter: crash });
        settle(world, settles);
        deployOn(world, { desired: third, release: 3, choose, crashAfter: again });
        settle(world, !settles);
        assert.equal(deployOn(world, { desired: third, release: 4, choose }), 'done');
        assertSettled(world, third);
      },
    ),
    { numRuns: 500 },
  );
});

test('property: a service that does not come up leads back to what served, also when the operator died before', () => {
  fc.assert(
    fc.property(
      ...[project, project, hosts, order, fc.constantFrom(...NAMES), fc.nat(40)],
      (first, second, on, choose, broken, crash) => {
        const world = new World(on);
        deployOn(world, { desired: first, release: 1, choose });
        const bad = new Set([broken]);
        deployOn(world, { desired: second, release: 2, choose, bad, crashAfter: crash });
        if (deployOn(world, { desired: second, release: 3, choose, bad }) === 'done') return;
        assert.equal(deployOn(world, { desired: first, release: 1, choose, wayBack: 'return' }), 'done');
        assertSettled(world, first);
      },
    ),
    { numRuns: 500 },
  );
});

test('after a way back that keeps a dependency of the failed release, what it made restart is renewed once', () => {
  const one = { replicas: 1, image: 'a:1', parallelism: 0, restart: true };
  const db = { ...one, needs: [] };
  const web = { ...one, needs: ['db'] };
  const first = projectOf({ db, web }, 8000);
  const second = projectOf({ api: { ...one, needs: [] }, db: { ...db, needs: ['api'] }, web }, 8000);
  const choose = (): number => 0;
  const world = new World([hostOf('app1')]);
  deployOn(world, { desired: first, release: 1, choose });
  const bad = new Set(['web']);
  assert.equal(deployOn(world, { desired: second, release: 2, choose, bad }), 'failed');
  assert.deepEqual(
    planOf(first, world, 'return').changes.map(({ path }) => path),
    ['services.web.replicas.1', 'services.api.replicas.1', 'releases.2'],
  );
  assert.equal(deployOn(world, { desired: first, release: 1, choose, wayBack: 'return' }), 'done');
  assertSettled(world, first);
});

/** What becomes of containers that were just started when nobody looks any more: the registrar goes on without an operator. */
function settle(world: World, becomesHealthy: boolean): void {
  for (const container of world.containers)
    if (container.state === 'running' && becomesHealthy) container.isHealthy = true;
}
