import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { actualOf, apply, host, planFor, project, replicaOf, service } from '../../test/plan-samples.ts';
import type { DesiredRoute } from '../compose/desired.ts';
import type { Actual } from './actual.ts';

test('a first deploy spreads the replicas evenly over the hosts that have the role app', () => {
  const desired = project(service('web', { replicas: 4 }));
  const actual = actualOf(host('app1'), host('app2'), host('front', { roles: ['edge'] }));
  const after = apply(desired, actual, planFor(desired, actual));
  assert.equal(after.hosts.app1?.replicas.length, 2);
  assert.equal(after.hosts.app2?.replicas.length, 2);
  assert.equal(after.hosts.front?.replicas.length, 0);
});

test('a global service runs once on every host, and a host that comes or goes moves no replica of another', () => {
  const desired = project(service('exporter', { isGlobal: true }));
  const three = actualOf(host('app1'), host('app2'), host('app3'));
  const running = apply(desired, three, planFor(desired, three));
  const on = (actual: Actual) =>
    Object.values(actual.hosts).flatMap(({ name, replicas }) =>
      replicas.map((each) => `${each.replica}@${name}`),
    );
  assert.deepEqual(on(running), ['1@app1', '2@app2', '3@app3']);
  assert.deepEqual(planFor(desired, running).changes, []);
  const { app1: _gone, ...rest } = running.hosts;
  const grown = { ...running, hosts: { ...rest, app4: host('app4') } };
  const after = apply(desired, grown, planFor(desired, grown));
  assert.deepEqual(on(after).sort(), ['1@app4', '2@app2', '3@app3']);
  assert.equal(planFor(desired, grown).changes.length, 1);
});

test('a changed environment variable replaces every replica and shows its name, never its value', () => {
  const before = project(
    service('web', { replicas: 2, container: { Env: ['PASSWORD=old-secret'], HostConfig: {} } }),
  );
  const empty = actualOf(host('app1'), host('app2'));
  const running = apply(before, empty, planFor(before, empty));
  const after = project(
    service('web', { replicas: 2, container: { Env: ['PASSWORD=new-secret'], HostConfig: {} } }),
  );
  const plan = planFor(after, { ...running, current: { release: 1, desired: before } });
  assert.deepEqual(
    plan.changes.map((change) => change.kind),
    ['replace-replica', 'replace-replica'],
  );
  assert.equal(plan.changes[0]?.why[0], 'environment.PASSWORD changed');
  assert.doesNotMatch(JSON.stringify(plan), /secret/);
});

test('scaling down stops the highest replicas and touches no other', () => {
  const before = project(service('web', { replicas: 8 }));
  const empty = actualOf(host('app1'), host('app2'));
  const running = apply(before, empty, planFor(before, empty));
  const plan = planFor(project(service('web', { replicas: 2 })), running);
  assert.deepEqual([...new Set(plan.changes.map((change) => change.kind))], ['stop-replica']);
  assert.equal(plan.changes.length, 6);
});

test('a service stays on the host that holds its volume', () => {
  const desired = project(
    service('db', { mounts: [{ kind: 'volume', volume: 'data', target: '/data', readOnly: false }] }),
  );
  const actual = actualOf(host('app1'), host('app2', { volumes: ['polls_data'] }), host('app3'));
  const plan = planFor(desired, actual);
  assert.deepEqual(
    plan.changes.map((change) => change.host),
    ['app2'],
  );
});

test('a volume on two hosts is refused and both are named', () => {
  const desired = project(
    service('db', { mounts: [{ kind: 'volume', volume: 'data', target: '/data', readOnly: false }] }),
  );
  const actual = actualOf(
    host('app1', { volumes: ['polls_data'] }),
    host('app2', { volumes: ['polls_data'] }),
  );
  const [obstacle] = planFor(desired, actual).obstacles;
  assert.match(obstacle?.message ?? '', /app1 and app2/);
  assert.deepEqual(planFor(desired, actual).steps, []);
});

test('a volume whose host is dead is never replaced by an empty one', () => {
  const desired = project(
    service('db', { mounts: [{ kind: 'volume', volume: 'data', target: '/data', readOnly: false }] }),
  );
  const actual = {
    ...actualOf(host('app1'), host('app2', { unreachable: 'no route to host' })),
    volumeHosts: { polls_data: 'app2' },
  };
  const messages = planFor(desired, actual).obstacles.map((each) => each.message);
  assert.ok(
    messages.some((message) => /polls_data belongs on host app2/.test(message)),
    messages.join('\n'),
  );
});

test('services that share a new volume come to the same host', () => {
  const mounts = [{ kind: 'volume', volume: 'data', target: '/data', readOnly: false }] as const;
  const desired = project(service('writer', { mounts }), service('reader', { mounts }));
  const plan = planFor(desired, actualOf(host('app1'), host('app2'), host('app3')));
  const hosts = plan.steps.flatMap((step) =>
    step.kind === 'roll' ? step.moves.map((move) => (move.kind === 'stop' ? '' : move.host)) : [],
  );
  assert.equal(new Set(hosts).size, 1);
});

test('a task runs after what it needs and before the services that wait for it', () => {
  const desired = project(
    service('web', {
      dependsOn: { migrate: { condition: 'service_completed_successfully', required: true, restart: false } },
    }),
    service('migrate', {
      kind: 'task',
      dependsOn: { db: { condition: 'service_healthy', required: true, restart: false } },
    }),
    service('db'),
    service('cache'),
  );
  const plan = planFor(desired, actualOf(host('app1')));
  const order = plan.steps.flatMap((step) =>
    step.kind === 'roll' || step.kind === 'run-task' ? [step.service] : [],
  );
  assert.deepEqual(order, ['db', 'migrate', 'cache', 'web']);
});

test('a task does not run when only the number of replicas changes', () => {
  const waits = {
    migrate: { condition: 'service_completed_successfully', required: true, restart: false },
  } as const;
  const before = project(
    service('web', { replicas: 2, dependsOn: waits }),
    service('migrate', { kind: 'task' }),
  );
  const empty = actualOf(host('app1'));
  const running = apply(before, empty, planFor(before, empty));
  const after = project(
    service('web', { replicas: 3, dependsOn: waits }),
    service('migrate', { kind: 'task' }),
  );
  assert.deepEqual(
    planFor(after, running).changes.map((change) => change.kind),
    ['start-replica'],
  );
});

test('a stop-first replacement says why and for how long the service is away', () => {
  const update = {
    ...service('db').update,
    order: 'stop-first',
    orderReason: 'it writes to volume data',
  } as const;
  const before = project(service('db', { update }));
  const empty = actualOf(host('app1'));
  const running = apply(before, empty, planFor(before, empty));
  const plan = planFor(project(service('db', { update, image: 'db:2' })), running);
  assert.match(plan.changes[0]?.away ?? '', /because it writes to volume data; away for about \d+ s/);
});

test('a replica that a deploy left draining when it was cut short gets its requests again', () => {
  const desired = project(service('web', { replicas: 2 }));
  const empty = actualOf(host('app1'));
  const running = apply(desired, empty, planFor(desired, empty));
  const [first, ...others] = running.hosts.app1?.replicas ?? [];
  assert.ok(first);
  const cut = actualOf(host('app1', { replicas: [{ ...first, isDraining: true }, ...others] }));
  const plan = planFor(desired, cut);
  assert.deepEqual(
    plan.changes.map((change) => change.kind),
    ['resume-replica'],
  );
});

test('after a deploy that was cut short nothing that serves goes before what it started is known to be well', () => {
  const old = project(service('web', { replicas: 2 }));
  const desired = project(service('web', { replicas: 2, image: 'web:2' }));
  const empty = actualOf(host('app1'));
  const before = apply(old, empty, planFor(old, empty)).hosts.app1?.replicas ?? [];
  const made = { ...replicaOf(desired, service('web', { image: 'web:2' }), 1, 'app1', 'cut'), release: 2 };
  const hosts = actualOf(host('app1', { replicas: [...before, made] }));
  const plan = planFor(desired, { ...hosts, current: { release: 1, desired: old }, unfinished: 2 });
  const [roll] = plan.steps.filter((step) => step.kind === 'roll');
  assert.deepEqual(
    roll?.moves.map((move) => [move.kind, move.kind === 'start' ? '' : move.old.id]),
    [
      ['resume', 'cut'],
      ['swap', before[1]?.id],
      ['stop', before[0]?.id],
    ],
  );
  assert.ok(plan.changes.some(({ kind, path }) => kind === 'finish-release' && path === 'releases.2'));
});

test('a release that is mixed is made whole by a deploy that has nothing else to do', () => {
  const desired = project(service('web'));
  const empty = actualOf(host('app1'));
  const [first] = apply(desired, empty, planFor(desired, empty)).hosts.app1?.replicas ?? [];
  assert.ok(first);
  const hosts = actualOf(host('app1', { replicas: [{ ...first, release: 2 }] }));
  const mixed = { release: 2, problem: 'web-1 on app1: it exited with code 1' };
  const plan = planFor(desired, { ...hosts, current: { release: 1, desired }, mixed });
  assert.deepEqual(
    plan.changes.map(({ kind }) => kind),
    ['finish-release'],
  );
  const moves = plan.steps.flatMap((step) =>
    step.kind === 'roll' ? step.moves.map(({ kind }) => kind) : [],
  );
  assert.deepEqual(moves, ['resume'], 'it is good only if its replicas are well');
});

test('restart: true of a dependency replaces the dependents, once', () => {
  const restart = { db: { condition: 'service_healthy', required: true, restart: true } } as const;
  const before = project(service('db', { replicas: 2 }), service('web', { replicas: 2, dependsOn: restart }));
  const empty = actualOf(host('app1'));
  const running = apply(before, empty, planFor(before, empty));
  const after = project(
    service('db', { replicas: 2, image: 'db:2' }),
    service('web', { replicas: 2, dependsOn: restart }),
  );
  const plan = planFor(after, running);
  const replaced = plan.changes.filter(({ kind }) => kind === 'replace-replica').map(({ path }) => path);
  assert.deepEqual(
    replaced,
    ['db.1', 'db.2', 'web.1', 'web.2'].map((name) => `services.${name.replace('.', '.replicas.')}`),
  );
  assert.deepEqual(plan.changes.at(-1)?.why, ['depends_on.db.restart: db is newer']);
  const scaled = project(service('db', { replicas: 3 }), service('web', { replicas: 2, dependsOn: restart }));
  assert.deepEqual(
    planFor(scaled, running).changes.map(({ path }) => path),
    ['services.db.replicas.3'],
    'one more replica of the dependency is no restart',
  );
});

test("another project's route is not taken from it, however it is written; what is published stays", () => {
  const route = {
    ...{ domain: 'shop.example', path: '/admin', catalogService: 'blog-web', service: 'web', port: 8000 },
    ...{ bodyLimitBytes: 0, connectTimeoutMs: 1, readTimeoutMs: 1, sendTimeoutMs: 1, upstreamKeepaliveMs: 1 },
    tls: 'off' as const,
  };
  const desired = { ...project(service('web')), routes: [route] };
  const empty = actualOf(host('app1'));
  const shop = (domain: string, path: string) => [{ project: 'shop', domain, path }];
  const taken = planFor(desired, { ...empty, foreignRoutes: shop('Shop.Example.', '/admin/') });
  assert.deepEqual(
    taken.obstacles.map(({ path, message }) => [path, message]),
    [['routes.shop.example/admin', 'is served by project shop already']],
  );
  assert.deepEqual(taken.steps, []);
  assert.deepEqual(planFor(desired, { ...empty, foreignRoutes: shop('shop.example', '/') }).obstacles, []);
  const { service: _service, ...published } = route;
  const both = { ...empty, routes: [published], foreignRoutes: shop('shop.example', '/admin') };
  assert.deepEqual(planFor(desired, both).obstacles, []);
});

test('a route that moves to another port replaces the replicas made for the old one, a new route does not', () => {
  const route = (path: string, port: number): DesiredRoute => ({
    ...{ domain: 'polls.example', path, catalogService: 'polls-web', service: 'web', port, tls: 'off' },
    ...{ bodyLimitBytes: 0, connectTimeoutMs: 1, readTimeoutMs: 1, sendTimeoutMs: 1, upstreamKeepaliveMs: 1 },
  });
  const before = { ...project(service('web')), routes: [route('/', 8000), route('/admin', 8001)] };
  const empty = actualOf(host('app1'));
  const [made] = apply(before, empty, planFor(before, empty)).hosts.app1?.replicas ?? [];
  assert.ok(made);
  const routePorts = { 'polls.example/': 8000, 'polls.example/admin': 8001 };
  const running = actualOf(host('app1', { replicas: [{ ...made, routePorts }] }));
  const moved = { ...before, routes: [route('/', 8000), route('/admin', 9001)] };
  const [change] = planFor(moved, running).changes;
  assert.deepEqual(change?.why, ['it serves polls.example/admin on port 8001, not 9001']);
  const added = { ...before, routes: [...before.routes, route('/new', 8002)] };
  const kinds = planFor(added, running).changes.map(({ kind }) => kind);
  assert.ok(!kinds.includes('replace-replica'), kinds.join());
});

test('a container that was made and never started is not taken for the one that serves', () => {
  const desired = project(service('db', { image: 'db:2' }));
  const serving = { ...replicaOf(project(service('db')), service('db'), 1, 'app1', 'z-serves') };
  const made = { ...serving, id: 'made', name: 'a-made', state: 'created' };
  const plan = planFor(desired, actualOf(host('app1', { replicas: [made, serving] })));
  const [roll] = plan.steps.filter((step) => step.kind === 'roll');
  const moves = roll?.moves.map((move) => [move.kind, move.kind === 'start' ? '' : move.old.id]);
  assert.deepEqual(moves, [
    ['swap', 'z-serves'],
    ['stop', 'made'],
  ]);
});

test('a host that does not answer stops the plan', () => {
  const plan = planFor(
    project(service('web')),
    actualOf(host('app1', { unreachable: 'timed out' }), host('app2')),
  );
  assert.match(plan.obstacles[0]?.message ?? '', /timed out/);
});

test('when the only host does not answer, that is all that is said', () => {
  const plan = planFor(project(service('web')), actualOf(host('app1', { unreachable: 'timed out' })));
  assert.deepEqual(
    plan.obstacles.map((each) => each.path),
    ['hosts.app1'],
  );
  assert.deepEqual(plan.steps, []);
});

const arbitraryProject = fc
  .array(
    fc.record({
      name: fc.constantFrom('web', 'api', 'worker', 'db'),
      replicas: fc.integer({ min: 0, max: 7 }),
      image: fc.constantFrom('a:1', 'a:2'),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((services) => project(...services.map(({ name, ...over }) => service(name, over))));
const arbitraryHosts = fc
  .integer({ min: 1, max: 5 })
  .map((count) => Array.from({ length: count }, (_, index) => host(`app${index + 1}`)));

test('property: applying a plan reaches the desired state, and planning again finds nothing', () => {
  fc.assert(
    fc.property(
      arbitraryProject,
      arbitraryProject,
      arbitraryHosts,
      arbitraryHosts,
      (first, second, fewHosts, moreHosts) => {
        const empty = actualOf(...fewHosts);
        const running = apply(first, empty, planFor(first, empty));
        assert.deepEqual(planFor(first, running).changes, []);
        const grown: Actual = {
          ...running,
          hosts: { ...Object.fromEntries(moreHosts.map((each) => [each.name, each])), ...running.hosts },
        };
        const after = apply(second, grown, planFor(second, grown));
        assert.deepEqual(planFor(second, after).changes, []);
        for (const each of Object.values(second.services)) {
          const counts = Object.values(after.hosts).map(
            (on) => on.replicas.filter((replica) => replica.service === each.name).length,
          );
          assert.equal(
            counts.reduce((sum, count) => sum + count, 0),
            each.replicas,
          );
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `spread ${counts}`);
        }
      },
    ),
  );
});

test('property: the same input gives the same bytes', () => {
  fc.assert(
    fc.property(arbitraryProject, arbitraryHosts, (desired, hosts) => {
      const shuffled = actualOf(...hosts.toReversed());
      assert.equal(
        JSON.stringify(planFor(desired, actualOf(...hosts))),
        JSON.stringify(planFor(desired, shuffled)),
      );
    }),
  );
});
