import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actualOf, host, planFor, project, replicaOf, service } from '../../test/plan-samples.ts';
import type { Desired } from '../compose/desired.ts';
import type { Actual } from './actual.ts';
import type { Plan } from './change.ts';

/** Two hosts, of which app2 has the volume `polls_data`, its database and one web replica. */
function databaseOnApp2(): { desired: Desired; actual: Actual } {
  const mounts = [{ kind: 'volume', volume: 'data', target: '/data', readOnly: false }] as never;
  const desired = project(service('db', { mounts }), service('web', { replicas: 2 }));
  const { db, web } = desired.services;
  assert.ok(db && web);
  const app1 = host('app1', { replicas: [replicaOf(desired, web, 1, 'app1', 'w1')] });
  const replicas = [replicaOf(desired, db, 1, 'app2', 'd1'), replicaOf(desired, web, 2, 'app2', 'w2')];
  const app2 = host('app2', { replicas, volumes: ['polls_data'] });
  return { desired, actual: { ...actualOf(app1, app2), volumeHosts: { polls_data: 'app2' } } };
}

test('without a host that is left out its replicas start elsewhere, and what has its volumes there stays as it is', () => {
  const { desired, actual } = databaseOnApp2();
  const lost = host('app2', { unreachable: 'timed out', skipped: true, unseen: ['db-1', 'web-2'] });
  const plan = planFor(desired, { ...actual, hosts: { ...actual.hosts, app2: lost } });
  assert.deepEqual(plan.obstacles, []);
  assert.deepEqual(
    plan.changes.map(({ kind, path, host: on }) => [kind, path, on]),
    [['start-replica', 'services.web.replicas.2', 'app1']],
  );
  assert.deepEqual(
    plan.remarks?.map(({ path }) => path),
    ['hosts.app2', 'services.db'],
  );
  assert.match(plan.remarks?.[0]?.message ?? '', /db-1, web-2 may run there/);
});

test('nothing but a host that is left out could run it: that is said, not planned as nothing', () => {
  const lost = host('app2', { unreachable: 'timed out', skipped: true });
  const plan = planFor(project(service('web')), actualOf(host('front', { roles: ['edge'] }), lost));
  assert.match(plan.obstacles[0]?.message ?? '', /no host may run it/);
});

test('a host that leaves gives its replicas away and keeps nothing; data stops it, unless it may go with the host', () => {
  const { desired, actual } = databaseOnApp2();
  const leaving = (how: 'move' | 'force'): Plan => {
    const app2 = { ...(actual.hosts.app2 ?? host('app2')), leaving: how };
    return planFor(desired, { ...actual, hosts: { ...actual.hosts, app2 } });
  };
  assert.match(leaving('move').obstacles[0]?.message ?? '', /its volumes are on app2/);
  const forced = leaving('force');
  assert.deepEqual(forced.obstacles, []);
  assert.deepEqual(
    forced.changes.map(({ kind, path, host: on }) => [kind, path, on]),
    [['replace-replica', 'services.web.replicas.2', 'app1']],
  );
  assert.match(forced.remarks?.[0]?.message ?? '', /goes with app2/);
});
