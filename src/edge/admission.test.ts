import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRoute } from '../../test/edge-samples.ts';
import type { Instance } from '../catalog/record.ts';
import { admit, afterProbe, type ProbeHistory, unprobed } from './admission.ts';
import { candidatesOf, type EdgeInputs } from './candidates.ts';
import { believedInstances, believedRoutes, edgeInputs, vanishedGraceMs } from './inputs.ts';
import { upstreamName } from './upstream-name.ts';

const instance = (change: Partial<Instance> = {}): Instance => ({
  id: 'h1:polls-web-1:8000',
  service: 'polls-web',
  host: 'h1',
  address: '10.208.17.2',
  port: 8000,
  tags: [],
  meta: { 'seawall-project': 'polls' },
  status: 'passing',
  output: '',
  draining: false,
  ...change,
});
const name = upstreamName(sampleRoute());
const inputs = (instances: readonly Instance[], change: Partial<EdgeInputs> = {}): EdgeInputs => ({
  routes: [sampleRoute()],
  instances: { 'polls-web': instances },
  hosts: ['h1', 'h2'],
  alive: ['h1', 'h2'],
  ...change,
});
const ready = (given: EdgeInputs) =>
  (candidatesOf(given).candidates.get(name) ?? [])
    .filter(({ isReady }) => isReady)
    .map(({ address }) => address);
const well: ProbeHistory = { good: 1, bad: 0, isAdmitted: true };
const down: ProbeHistory = { good: 0, bad: 2, isAdmitted: true, problem: 'connection refused' };

test('only healthy replicas that do not drain, of the route’s own project, get requests', () => {
  assert.deepEqual(ready(inputs([instance()])), ['10.208.17.2:8000']);
  assert.deepEqual(ready(inputs([instance({ draining: true })])), []);
  assert.deepEqual(ready(inputs([instance({ status: 'critical' })])), []);
  assert.deepEqual(ready(inputs([instance({ meta: { 'seawall-project': 'other' } })])), []);
});

test('a container started by hand is reached on the port it published, whatever the route says', () => {
  const byHand = instance({ meta: {}, address: '10.208.16.1', port: 32_768 });
  assert.deepEqual(ready(inputs([byHand])), ['10.208.16.1:32768']);
  assert.deepEqual(ready(inputs([instance({ port: 0 })])), ['10.208.17.2:8000']);
});

test('replicas of a dead host get nothing, unless none are left', () => {
  const other = instance({ host: 'h2', address: '10.208.33.2' });
  assert.deepEqual(ready(inputs([instance(), other], { alive: ['h1'] })), ['10.208.17.2:8000']);
  assert.deepEqual(ready(inputs([instance(), other], { alive: [] })).length, 2);
  assert.deepEqual(ready(inputs([instance({ host: 'not-ours' }), other], { alive: [] })), [
    '10.208.17.2:8000',
  ]);
});

test('an old and a new replica that serve a route on different ports are each reached on their own', () => {
  const moved = (ports: Readonly<Record<string, number>>, address: string): Instance =>
    instance({ address, meta: { 'seawall-project': 'polls', 'seawall-routes': JSON.stringify(ports) } });
  const { domain, path } = sampleRoute();
  const old = moved({ [`${domain}${path}`]: 8000 }, '10.208.17.2');
  const renewed = moved({ [`${domain}${path}`]: 9000 }, '10.208.17.3');
  assert.deepEqual(ready(inputs([old, renewed])), ['10.208.17.2:8000', '10.208.17.3:9000']);
  const elsewhere = moved({ 'another.example/': 7000 }, '10.208.17.4');
  assert.deepEqual(ready(inputs([elsewhere])), ['10.208.17.4:8000'], 'a route newer than the replica');
  const torn = instance({ meta: { 'seawall-project': 'polls', 'seawall-routes': '{"x' } });
  assert.deepEqual(ready(inputs([torn])), ['10.208.17.2:8000'], 'anybody can write a label');
});

test('a replica that tears routes of one port apart gets no request of either, and it is said', () => {
  const first = sampleRoute();
  const second = { ...sampleRoute(), path: '/admin' };
  const split = { [`${first.domain}${first.path}`]: 9000, [`${second.domain}${second.path}`]: 8000 };
  const torn = instance({ meta: { 'seawall-project': 'polls', 'seawall-routes': JSON.stringify(split) } });
  const given = inputs([torn], { routes: [first, second] });
  assert.deepEqual(ready(given), []);
  assert.match(candidatesOf(given).problems['10.208.17.2:9000'] ?? '', /one after the other/);
});

test('what has no IPv4 address and port is reported, not written into the configuration', () => {
  for (const address of ['localhost', '1.2.3.4;', '::1', '1.2.3.999', '']) {
    const { candidates, problems } = candidatesOf(inputs([instance({ address })]));
    assert.deepEqual(candidates.get(name), []);
    assert.equal(Object.keys(problems).length, 1);
  }
});

test('a replica with an HTTP rule is let in after three answers in a row, counted also while it is not healthy yet', () => {
  const fail = { ok: false, problem: 'answered 500' };
  let history = unprobed;
  for (const outcome of [{ ok: true }, { ok: true }, fail, { ok: true }, { ok: true }])
    history = afterProbe(history, 'http', outcome);
  assert.equal(history.isAdmitted, false);
  assert.equal(afterProbe(history, 'http', { ok: true }).isAdmitted, true);
  assert.equal(afterProbe(unprobed, 'tcp', { ok: true }).isAdmitted, true);
});

test('two failed connections take an address out, one success brings it back, and the last one stays', () => {
  const two = [instance(), instance({ address: '10.208.17.3' })];
  const { candidates } = candidatesOf(inputs(two));
  const inForce = (one: ProbeHistory, other: ProbeHistory) =>
    admit(
      candidates,
      new Map([
        ['10.208.17.2:8000', one],
        ['10.208.17.3:8000', other],
      ]),
    ).inForce.get(name);
  assert.deepEqual(inForce(well, well)?.length, 2);
  assert.deepEqual(inForce(well, { ...down, bad: 1 })?.length, 2);
  assert.deepEqual(inForce(well, down), ['10.208.17.2:8000']);
  assert.deepEqual(inForce(well, afterProbe(down, 'tcp', { ok: true }))?.length, 2);
  assert.deepEqual(inForce(down, down)?.length, 2);
  assert.deepEqual(inForce(unprobed, unprobed), []);
});

test('why a healthy replica gets no requests is said', () => {
  const { candidates } = candidatesOf(inputs([instance()]));
  const failing = afterProbe(unprobed, 'http', { ok: false, problem: 'GET … answered 500' });
  assert.deepEqual(admit(candidates, new Map([['10.208.17.2:8000', failing]])).problems, {
    '10.208.17.2:8000': 'GET … answered 500',
  });
});

test('a catalog that lost its data does not take the routes away', () => {
  const before = { polls: '[]' };
  assert.equal(believedRoutes({}, before, false), before);
  assert.deepEqual(believedRoutes({}, before, true), {});
  assert.equal(believedRoutes(undefined, before, true), before);
});

test('replicas that vanish all at once are believed in until registrars had time to put them back', () => {
  const before = { instances: [instance(), instance({ draining: true })] };
  const vanished = believedInstances([], before, 1_000, false);
  assert.deepEqual(vanished, { instances: [instance()], vanishedAtMs: 1_000 });
  assert.equal(believedInstances([], vanished, 999 + vanishedGraceMs.lost, false).instances.length, 1);
  assert.ok(vanishedGraceMs.lost > 16_500, 'registrars compare with the catalog that often at the least');
  assert.deepEqual(believedInstances([], vanished, 1_000 + vanishedGraceMs.whole, true), { instances: [] });
  assert.deepEqual(believedInstances([instance()], vanished, 2_000, true), { instances: [instance()] });
  assert.deepEqual(believedInstances([], { instances: [instance({ draining: true })] }, 0, true), {
    instances: [],
  });
});

test('an entry that holds no routes, or another project’s, does no harm', () => {
  const { inputs: read, problems } = edgeInputs({
    routes: {
      broken: '{',
      wrong: '[{"domain":1}]',
      polls: JSON.stringify([sampleRoute({ project: 'other' })]),
    },
    instances: {},
  });
  assert.deepEqual(
    read.routes.map(({ project }) => project),
    ['polls'],
  );
  assert.equal(problems.length, 2);
});
