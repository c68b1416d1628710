import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { containerPlan } from '../plan/index.ts';
import { loadProject } from './load.ts';

/** A project `polls` with one service, `api`, whose `x-seawall` has this `certificate`. */
async function load(t: TestContext, certificate: unknown, more: object = {}, route: object = {}) {
  const cwd = await mkdtemp(join(tmpdir(), 'seawall-service-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const api = { image: 'x', expose: ['8443'], 'x-seawall': { certificate }, ...more };
  await writeFile(join(cwd, 'compose.yaml'), JSON.stringify({ name: 'polls', services: { api } }));
  const routes = { 'api.example.com': { service: 'api', upstream_tls: true, ...route } };
  await writeFile(join(cwd, 'seawall.yml'), JSON.stringify({ routes }));
  return loadProject({ files: [], cwd, env: {} });
}

const problemsOf = async (t: TestContext, certificate: unknown, more: object = {}) =>
  (await load(t, certificate, more)).problems.map(({ path, message }) => `${path}: ${message}`);

const place = {
  cluster: 'c',
  privateAddress: '10.1.0.1',
  replica: 1,
  release: 1,
  config: '',
  image: 'x',
  addresses: {},
};

test('a service says that it serves HTTPS itself: it gets a certificate, a mount, and is verified by its name', async (t) => {
  const { value } = await load(t, true);
  assert.ok(value);
  const { desired } = value;
  const own = desired.certificates?.find(({ purpose }) => purpose === 'upstream');
  assert.deepEqual(own, {
    ...{ id: '_service.polls.api', names: ['api.polls.internal', 'api'], source: 'internal', issuers: [] },
    ...{ challenge: 'http', keys: ['ecdsa'], purpose: 'upstream' },
  });
  assert.deepEqual(desired.services.api?.mounts, [
    {
      ...{ kind: 'certificate', id: '_service.polls.api', names: ['api.polls.internal', 'api'] },
      target: '/run/seawall/tls',
    },
  ]);
  assert.deepEqual(desired.routes[0]?.upstreamTls, { trust: 'internal', serverName: 'api.polls.internal' });
});

test('a replica mounts its folder read-only; a task or a one-off container gets no key', async (t) => {
  const { value } = await load(t, true);
  const service = value?.desired.services.api;
  assert.ok(value && service);
  const planned = (kind: 'replica' | 'oneoff' | 'task') =>
    containerPlan(value.desired, service, { ...place, kind }).body as {
      readonly Labels: Record<string, string>;
      readonly HostConfig: { readonly Mounts: unknown };
    };
  assert.deepEqual(planned('replica').HostConfig.Mounts, [
    {
      ...{ Type: 'bind', Source: '/var/lib/seawall/certificates/_service.polls.api' },
      ...{ Target: '/run/seawall/tls', ReadOnly: true },
    },
  ]);
  assert.equal(planned('replica').Labels['seawall.certificate'], '_service.polls.api');
  for (const kind of ['oneoff', 'task'] as const) {
    assert.deepEqual(planned(kind).HostConfig.Mounts, []);
    assert.equal(planned(kind).Labels['seawall.certificate'], undefined);
  }
});

test('names, folder, owner and signal can be said; a route may ask for another name', async (t) => {
  const certificate = { names: ['API.example.internal'], path: '/tls', reload: 'HUP', uid: 999, gid: '70' };
  const { value } = await load(t, certificate, {}, { upstream_tls: { server_name: 'Other.internal' } });
  const [mount] = value?.desired.services.api?.mounts ?? [];
  const said = { target: '/tls', uid: 999, gid: 70, reload: 'SIGHUP' };
  const names = ['api.example.internal'];
  assert.deepEqual(mount, { kind: 'certificate', id: '_service.polls.api', names, ...said });
  const own = value?.desired.certificates?.find(({ purpose }) => purpose === 'upstream');
  assert.deepEqual(own?.names, ['api.example.internal']);
  assert.equal(value?.desired.routes[0]?.upstreamTls?.serverName, 'other.internal');
});

test('a service without it is verified by the domain of its route, as before', async (t) => {
  const { value } = await load(t, false);
  assert.deepEqual(value?.desired.routes[0]?.upstreamTls, { trust: 'internal' });
  assert.deepEqual(value?.desired.services.api?.mounts, []);
});

const at = 'services.api.x-seawall.certificate';
for (const [what, certificate, problem] of [
  ['a word', 'yes', `${at}: must be true or a map`],
  ['an unknown key', { name: 'x' }, `${at}.name: "certificate" has no key "name"; did you mean "names"?`],
  ['no list of names', { names: 'x' }, `${at}.names: must be a list of DNS names`],
  ['a hostile name', { names: ['a', '$(id)'] }, `${at}.names[1]: "$(id)" is no DNS name`],
  [
    'a path upward',
    { path: '/run/../etc' },
    `${at}.path: must be the absolute path of a folder in the container`,
  ],
  ['the root as path', { path: '/' }, `${at}.path: must be the absolute path of a folder in the container`],
  [
    'a signal that kills',
    { reload: 'SIGKILL' },
    `${at}.reload: "SIGKILL" is nothing that tells a program to read its files anew`,
  ],
  ['a user by name', { uid: 'node' }, `${at}.uid: must be a number`],
] as const) {
  test(`${what} is refused with its place`, async (t) => {
    assert.deepEqual(await problemsOf(t, certificate), [problem]);
  });
}

test('a service whose name no certificate can have says others', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'seawall-service-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const services = { 'a..b': { image: 'x', 'x-seawall': { certificate: true } } };
  await writeFile(join(cwd, 'compose.yaml'), JSON.stringify({ name: 'polls', services }));
  const { problems } = await loadProject({ files: [], cwd, env: {} });
  assert.match(problems.map(({ message }) => message).join(), /is no name that a certificate can be for/);
});
