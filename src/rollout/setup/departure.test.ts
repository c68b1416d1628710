import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Departure, endedHere, type HostContainer, refuseDeparture } from './departure.ts';

const replica = (name: string, project = 'shop', state = 'running'): HostContainer => ({
  name,
  state,
  labels: { 'seawall.project': project, 'seawall.kind': 'replica' },
  networks: [`seawall.${project}.default`],
});
const task: HostContainer = {
  ...replica('shop-migrate-1', 'shop', 'exited'),
  labels: { 'seawall.project': 'shop', 'seawall.kind': 'task' },
};
const byHand = (...networks: string[]): HostContainer => ({
  name: 'by-hand',
  state: 'running',
  labels: {},
  networks,
});
const agent: HostContainer = {
  name: 'seawall-agent',
  state: 'running',
  labels: { 'seawall.cluster': 'c', 'seawall.kind': 'agent' },
  networks: ['host'],
};
const departure = (parts: Partial<Departure>): Departure => ({
  ...{ host: 'host2', others: ['host1'], isCatalogHost: false, containers: [], networks: [] },
  ...{ moving: [], force: false },
  ...parts,
});

test('a host with nothing but Seawall itself, finished tasks and strangers may go', () => {
  const containers = [agent, task, byHand('bridge')];
  refuseDeparture(departure({ containers, networks: ['seawall.shop.default'] }));
  assert.deepEqual(
    endedHere({ containers }).map(({ name }) => name),
    ['shop-migrate-1'],
  );
});

test('replicas keep the host, running or stopped, and are named with their projects', () => {
  const containers = [replica('shop-web-2'), replica('blog-web-1', 'blog', 'exited'), agent];
  assert.throws(() => refuseDeparture(departure({ containers })), {
    code: 'refused',
    message: 'containers of blog, shop are on it: blog-web-1, shop-web-2',
    hint: /seawall down/,
  });
});

test('replicas that are moved first do not keep the host, those of other projects and one-offs do', () => {
  const containers = [replica('shop-web-2'), agent];
  refuseDeparture(departure({ containers, moving: ['shop'] }));
  const running = { ...task, state: 'running' };
  assert.throws(() => refuseDeparture(departure({ containers: [running], moving: ['shop'] })), /migrate/);
  const others = [...containers, replica('blog-web-1', 'blog')];
  assert.throws(() => refuseDeparture(departure({ containers: others, moving: ['shop'] })), /blog-web-1/);
});

test('with force what is left goes with the host, but the catalog stays', () => {
  refuseDeparture(departure({ containers: [replica('shop-db-1')], force: true }));
  assert.throws(() => refuseDeparture(departure({ isCatalogHost: true, force: true })), /keeps the catalog/);
});

test('a one-off container that still runs keeps the host', () => {
  const running = { ...task, state: 'running' };
  assert.throws(() => refuseDeparture(departure({ containers: [running] })), /shop-migrate-1/);
});

test('somebody else in a network of a project keeps the host: the network could not be removed', () => {
  const parts = { containers: [byHand('seawall.shop.default')], networks: ['seawall.shop.default'] };
  assert.throws(() => refuseDeparture(departure(parts)), /in Seawall's networks are on it: by-hand/);
});

test("the catalog's host does not go before another one is the catalog, and the others are named", () => {
  const parts = { host: 'host1', others: ['host2', 'host3'], isCatalogHost: true };
  assert.throws(() => refuseDeparture(departure(parts)), {
    code: 'refused',
    message: 'it keeps the catalog for host2, host3',
    hint: 'Make another host the catalog first: seawall catalog promote host2',
  });
  refuseDeparture(departure({ ...parts, others: [] }));
});

test('the last host is told of `seawall down` only', () => {
  const parts = { others: [], containers: [replica('shop-web-1')] };
  assert.throws(() => refuseDeparture(departure(parts)), {
    hint: 'seawall down takes shop away; volumes are kept.',
  });
});
