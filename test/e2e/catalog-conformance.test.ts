import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  acquireLease,
  CatalogClient,
  type CatalogConnection,
  type CatalogServer,
  clearDraining,
  HeldKey,
  markDraining,
  startCatalogServer,
  updateRecord,
} from '../../src/catalog/index.ts';
import { CATALOG_TLS_NAME } from '../../src/cluster.ts';
import { SeawallError } from '../../src/errors.ts';
import { eventually, testCertificate } from '../test-catalog.ts';
import { type RealConsul, startConsul } from './real-consul.ts';

/**
 * One script of requests, against a real Consul and the embedded catalog: status, headers and JSON must be the same.
 * `$1`, `$2` are the sessions that the script made.
 */
type Line = readonly [method: string, path: string, body?: string];

const web =
  '{"Node":"h1","Address":"10.0.0.1","Service":{"ID":"h1:web:80","Service":"web","Port":80,"Address":"10.0.0.2","Tags":["a","b"],"Meta":{"k":"v"}},"Checks":[{"Node":"h1","CheckID":"service:h1:web:80","Name":"c","Status":"passing","ServiceID":"h1:web:80","Output":"ok"}]}';
const looks: readonly Line[] = [
  '/v1/catalog/service/web',
  '/v1/catalog/service/web?tag=a',
  '/v1/catalog/service/web?tag=z',
  '/v1/catalog/node/h1',
  '/v1/catalog/node/h2',
  '/v1/health/service/web',
  '/v1/health/service/web?passing',
  '/v1/health/service/web?passing=1&tag=b',
  '/v1/health/node/h1',
  '/v1/health/node/h2',
  '/v1/health/checks/web',
  '/v1/health/state/any',
  '/v1/health/state/passing',
  '/v1/health/state/critical',
  '/v1/catalog/services',
  '/v1/catalog/nodes',
].map((path) => ['GET', path]);

const SCRIPT: readonly Line[] = [
  ['GET', '/v1/status/leader'],
  ['GET', '/v1/status/peers'],
  ['GET', '/v1/catalog/datacenters'],
  ['GET', '/v1/nope'],
  ...looks,
  ['PUT', '/v1/catalog/register', web],
  ...looks,
  ['PUT', '/v1/catalog/register', web.replace('"passing"', '"warning"')],
  ...looks,
  [
    'PUT',
    '/v1/catalog/register',
    '{"Node":"h1","Address":"1.1.1.1","SkipNodeUpdate":true,"Checks":[{"CheckID":"_service_maintenance:h1:web:80","Name":"Service Maintenance Mode","Status":"critical","ServiceID":"h1:web:80","Output":"why"}]}',
  ],
  ...looks,
  [
    'PUT',
    '/v1/catalog/register',
    '{"node":"h2","address":"10.0.0.3","nodemeta":{"x":"y"},"service":{"service":"web","port":81,"weights":{"passing":2,"warning":1}}}',
  ],
  ['PUT', '/v1/catalog/register', '{"Node":"h3","SkipNodeUpdate":true,"Address":"10.0.0.4"}'],
  ['PUT', '/v1/catalog/register', '{"Node":"h2","Address":"10.0.0.3","Check":{"CheckID":"up","Name":"up"}}'],
  ...looks,
  ['PUT', '/v1/catalog/deregister', '{"Node":"h1","CheckID":"_service_maintenance:h1:web:80"}'],
  ['PUT', '/v1/catalog/deregister', '{"Node":"h1","ServiceID":"h1:web:80"}'],
  ...looks,
  ['PUT', '/v1/catalog/deregister', '{"Node":"h2"}'],
  ['PUT', '/v1/catalog/deregister', '{"Node":"none"}'],
  ['PUT', '/v1/catalog/deregister', '{}'],
  ...looks,
  ['PUT', '/v1/catalog/register', '{}'],
  ['PUT', '/v1/catalog/register', '{"Node":"h1"}'],
  ['PUT', '/v1/catalog/register', '{bad'],
  [
    'PUT',
    '/v1/catalog/register',
    '{"Node":"h1","Address":"a","Check":{"CheckID":"x","Name":"x","ServiceID":"none"}}',
  ],
  ['POST', '/v1/catalog/register', '{}'],
  ['GET', '/v1/catalog/register'],
  ['GET', '/v1/health/service/'],
  ['GET', '/v1/catalog/nodes?dc=other'],
  ['GET', '/v1/catalog/nodes?dc=dc1'],
  ['GET', '/v1/catalog/nodes?index=x'],
  ['GET', '/v1/catalog/nodes?index=1&wait=x'],
  ['GET', '/v1/catalog/nodes?stale&consistent'],
  ['GET', '/v1/catalog/nodes?stale'],
  ['GET', '/v1/kv/a'],
  ['PUT', '/v1/kv/a', 'hello'],
  ['GET', '/v1/kv/a'],
  ['GET', '/v1/kv/a?raw'],
  ['GET', '/v1/kv/a?raw&pretty'],
  ['PUT', '/v1/kv/a?cas=0', 'x'],
  ['PUT', '/v1/kv/a?cas=99999', 'x'],
  ['PUT', '/v1/kv/a', 'hello'],
  ['PUT', '/v1/kv/new?cas=0', 'x'],
  ['GET', '/v1/kv/new'],
  ['PUT', '/v1/kv/e'],
  ['GET', '/v1/kv/e'],
  ['GET', '/v1/kv/e?raw'],
  ['PUT', '/v1/kv/d/x/y?flags=42', '1'],
  ['PUT', '/v1/kv/d/z', '2'],
  ['PUT', '/v1/kv/d', '3'],
  ['GET', '/v1/kv/d?keys'],
  ['GET', '/v1/kv/d/?keys&separator=/'],
  ['GET', '/v1/kv/d/?keys&seperator=/'],
  ['GET', '/v1/kv/?keys&separator=/'],
  ['GET', '/v1/kv/d?recurse'],
  ['GET', '/v1/kv/?recurse'],
  ['GET', '/v1/kv/none?keys'],
  ['GET', '/v1/kv/none?recurse'],
  ['GET', '/v1/kv/'],
  ['PUT', '/v1/kv/', 'x'],
  ['DELETE', '/v1/kv/'],
  ['POST', '/v1/kv/a', 'x'],
  ['GET', '/v1/kv/%C3%A7'],
  ['PUT', '/v1/kv/%C3%A7%20b%2Fc', 'x'],
  ['GET', '/v1/kv/?keys'],
  ['DELETE', '/v1/kv/d/z'],
  ['DELETE', '/v1/kv/none'],
  ['DELETE', '/v1/kv/none?cas=0'],
  ['DELETE', '/v1/kv/a?cas=0'],
  ['DELETE', '/v1/kv/a?cas=99999'],
  ['DELETE', '/v1/kv/d?recurse&cas=3'],
  ['DELETE', '/v1/kv/d?recurse'],
  ['GET', '/v1/kv/?keys'],
  ['PUT', '/v1/kv/a?acquire=x&release=y', 'x'],
  ['PUT', '/v1/kv/a?acquire=x&cas=1', 'x'],
  ['PUT', '/v1/kv/a?acquire=nosuch', 'x'],
  ['PUT', '/v1/kv/a?release=nosuch', 'x'],
  ['PUT', '/v1/kv/big', 'x'.repeat(524_289)],
  ['PUT', '/v1/kv/big', 'x'.repeat(524_288)],
  ['DELETE', '/v1/kv/big'],
  [
    'PUT',
    '/v1/session/create',
    '{"TTL":"10s","Behavior":"delete","LockDelay":"0ms","Checks":[],"NodeChecks":[],"Name":"s1"}',
  ],
  ['PUT', '/v1/session/create', '{"Name":"s2","LockDelay":"1s"}'],
  ['GET', '/v1/session/info/$1'],
  ['GET', '/v1/session/info/$2'],
  ['GET', '/v1/session/info/00000000-0000-0000-0000-000000000000'],
  ['GET', '/v1/session/node/catalog'],
  ['GET', '/v1/session/node/none'],
  ['PUT', '/v1/session/renew/$1'],
  ['PUT', '/v1/session/renew/00000000-0000-0000-0000-000000000000'],
  ['PUT', '/v1/session/renew/'],
  ['PUT', '/v1/kv/lock?acquire=$1', 'v1'],
  ['GET', '/v1/kv/lock'],
  ['PUT', '/v1/kv/lock?acquire=$2', 'v1'],
  ['PUT', '/v1/kv/lock?release=$2', 'v1'],
  ['PUT', '/v1/kv/lock?acquire=$1', 'v2'],
  ['GET', '/v1/kv/lock'],
  ['PUT', '/v1/kv/lock', 'v3'],
  ['GET', '/v1/kv/lock'],
  ['PUT', '/v1/kv/lock?release=$1', 'v4'],
  ['GET', '/v1/kv/lock'],
  ['PUT', '/v1/kv/lock?acquire=$2', 'v5'],
  ['GET', '/v1/kv/lock'],
  ['PUT', '/v1/kv/lock2?acquire=$1', 'x'],
  ['PUT', '/v1/kv/lock?acquire=00000000-0000-0000-0000-000000000000', 'x'],
  ['PUT', '/v1/session/destroy/$2'],
  ['GET', '/v1/kv/lock'],
  ['PUT', '/v1/kv/lock?acquire=$1', 'too early: lock delay'],
  ['PUT', '/v1/session/destroy/$1'],
  ['GET', '/v1/kv/lock2'],
  ['PUT', '/v1/session/destroy/$1'],
  ['GET', '/v1/session/list'],
  ['PUT', '/v1/session/create', '{"TTL":"5s"}'],
  ['PUT', '/v1/session/create', '{"TTL":"x"}'],
  ['PUT', '/v1/session/create', '{"Behavior":"x"}'],
  ['PUT', '/v1/session/create', '{"Node":"none"}'],
  ['GET', '/v1/session/create'],
  ['GET', '/v1/agent/services'],
  ['GET', '/v1/agent/checks'],
  ['PUT', '/v1/agent/service/register', '{"name":"db","port":5432,"tags":["x"],"check":{"ttl":"60s"}}'],
  ['GET', '/v1/agent/services'],
  ['GET', '/v1/agent/checks'],
  ['PUT', '/v1/agent/check/pass/service:db?note=fine'],
  ['PUT', '/v1/agent/check/warn/service:db'],
  ['PUT', '/v1/agent/check/fail/service:db'],
  ['PUT', '/v1/agent/check/update/service:db', '{"Status":"passing","Output":"o"}'],
  ['PUT', '/v1/agent/check/update/service:db', '{"Status":"bad"}'],
  ['PUT', '/v1/agent/check/pass/none'],
  ['GET', '/v1/agent/check/pass/service:db'],
  ['PUT', '/v1/agent/service/register', '{"name":"db","port":5433,"check":{"ttl":"60s"}}'],
  ['PUT', '/v1/agent/service/register', '{}'],
  ['PUT', '/v1/agent/service/register', '{"Name":"x","Check":{"Args":["ls"],"Interval":"10s"}}'],
  ['PUT', '/v1/agent/check/register', '{"Name":"mem","TTL":"60s"}'],
  ['PUT', '/v1/agent/check/register', '{"Name":"mem2"}'],
  ['PUT', '/v1/agent/check/deregister/mem'],
  ['PUT', '/v1/agent/check/deregister/none'],
  ['PUT', '/v1/agent/service/deregister/none'],
  ['PUT', '/v1/agent/service/deregister/db'],
  ['GET', '/v1/agent/services'],
];

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Headers by which clients live. */
const HEADERS: readonly string[] = [
  'x-consul-index',
  'content-type',
  'x-consul-knownleader',
  'x-consul-lastcontact',
  'x-content-type-options',
  'content-security-policy',
  'allow',
];

/** What is Consul's own and of no service: its service `consul`, and the details of the node that it runs on. */
const OWN = new Set(['serfHealth', 'consul', 'catalog']);

function comparable(value: unknown, field = ''): unknown {
  if (Array.isArray(value)) {
    // Tags come out of a map of Go, sessions in the order of their random ids.
    const items = value.toSorted((x, y) => orderOf(x).localeCompare(orderOf(y)));
    return items.filter((item) => !isOwn(item)).map((item) => comparable(item));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => !OWN.has(name))
        .map(([name, item]) => [name, comparable(item, name)]),
    );
  }
  if (field === 'CreateIndex' || field === 'ModifyIndex') return typeof value;
  return typeof value === 'string'
    ? value
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'UUID')
        .replace(/^127\.0\.0\.1:\d+$/, 'LEADER')
    : value;
}

const orderOf = (item: unknown): string => {
  if (typeof item === 'string') return item;
  return typeof item === 'object' && item !== null && 'Behavior' in item && 'Name' in item
    ? String(item.Name)
    : '';
};

const isOwn = (item: unknown): boolean =>
  typeof item === 'object' &&
  item !== null &&
  (('CheckID' in item && item.CheckID === 'serfHealth') ||
    ('Node' in item && item.Node === 'catalog' && 'Address' in item));

async function runScript(connection: CatalogConnection): Promise<Answer[]> {
  const sessions: string[] = [];
  const answers: Answer[] = [];
  for (const [method, path, body] of SCRIPT) {
    const filled = path.replace(/\$(\d)/, (_, number) => sessions[Number(number) - 1] ?? '');
    const answer = await ask(connection, method, filled, body ?? '');
    const session = /^\{"ID":"([0-9a-f-]{36})"\}\s*$/.exec(answer.text)?.[1];
    if (session !== undefined) sessions.push(session);
    const json = answer.headers['content-type'] === 'application/json';
    answers.push({
      status: answer.status,
      headers: answer.headers,
      body: json ? comparable(JSON.parse(answer.text)) : answer.status === 200 ? answer.text : '',
    });
  }
  return answers;
}

function ask(
  connection: CatalogConnection,
  method: string,
  path: string,
  body: string,
): Promise<{ status: number; headers: Record<string, string>; text: string }> {
  const { target, token, certificate, scheme } = connection;
  const options = {
    ...target,
    method,
    path,
    headers: { 'X-Consul-Token': token, 'Content-Length': Buffer.byteLength(body) },
  };
  return new Promise((resolve, reject) => {
    const read = (response: http.IncomingMessage): void => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        resolve({
          status,
          headers: shownHeaders(status, response.headers),
          text: Buffer.concat(chunks).toString(),
        });
      });
    };
    const request =
      scheme === 'http'
        ? http.request(options, read)
        : https.request({ ...options, ca: certificate, servername: CATALOG_TLS_NAME }, read);
    request.on('error', reject);
    request.end(body);
  });
}

/** The index differs; that it is there, and at least 1, must not. A failure's own Consul headers say nothing. */
function shownHeaders(status: number, headers: http.IncomingHttpHeaders): Record<string, string> {
  const kept = HEADERS.filter((name) => status < 500 || !name.startsWith('x-consul-'));
  const pairs = kept.flatMap((name): [string, string][] => {
    const value = headers[name];
    if (value === undefined) return [];
    return [[name, name === 'x-consul-index' && Number(value) >= 1 ? 'at least 1' : String(value)]];
  });
  return Object.fromEntries(pairs);
}

describe('the embedded catalog and a real Consul', () => {
  let consul: RealConsul;
  let server: CatalogServer;
  let dir: string;
  let places: Record<'consul' | 'embedded', CatalogConnection>;

  before(async () => {
    const { certificate, privateKey, token } = await testCertificate();
    dir = await mkdtemp(join(tmpdir(), 'seawall-conformance-'));
    server = await startCatalogServer({
      dir,
      certificate,
      privateKey,
      token,
      listen: [{ host: '127.0.0.1', port: 0 }],
    });
    consul = await startConsul('catalog');
    const port = server.addresses()[0]?.port ?? 0;
    places = {
      consul: { target: { host: '127.0.0.1', port: consul.port }, token: '', scheme: 'http' },
      embedded: { target: { host: '127.0.0.1', port }, token, certificate },
    };
  });

  after(async () => {
    await server?.close();
    await consul?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test('give the same status, headers and JSON to the same requests', async () => {
    const expected = await runScript(places.consul);
    const actual = await runScript(places.embedded);
    const differences = SCRIPT.flatMap(([method, path, body], at) => {
      const name = `${method} ${path} ${(body ?? '').slice(0, 200)}`;
      const theirs = expected[at];
      const ours = actual[at];
      return sameAnswer(theirs, ours)
        ? []
        : [`${at}: ${name}\n  consul:   ${JSON.stringify(theirs)}\n  embedded: ${JSON.stringify(ours)}`];
    });
    assert.equal(differences.length, 0, `\n${differences.join('\n')}`);
  });

  for (const place of ['consul', 'embedded'] as const) {
    test(`carry held keys, leases, compare-and-set, waiting and draining through the one client: ${place}`, async () => {
      const client = new CatalogClient(places[place]);
      try {
        await heldKeys(client);
        await leases(client);
        await compareAndSet(client);
        await waiting(client);
        await draining(client);
      } finally {
        client.close();
      }
    });
  }
});

function sameAnswer(a: Answer | undefined, b: Answer | undefined): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

async function heldKeys(client: CatalogClient): Promise<void> {
  const options = { key: 'seawall/alive/h1', ttlMs: 10_000, behavior: 'delete' } as const;
  const first = new HeldKey(client, options);
  first.put('one');
  await eventually('held', () => first.held);
  await first.close({ leave: true });
  const second = new HeldKey(client, options);
  second.put('two');
  await eventually('taken over', async () => (await client.kvGet(options.key)).value?.value === 'two');
  const { value } = await client.kvGet(options.key);
  await client.sessionDestroy(value?.session ?? '');
  await eventually('back', async () => (await client.kvGet(options.key)).value?.session);
  await second.close();
  assert.equal((await client.kvGet(options.key)).value, undefined);
}

async function leases(client: CatalogClient): Promise<void> {
  const record = { who: 'ann', from: 'laptop', since: 'now', command: 'deploy' };
  const lease = await acquireLease(client, 'seawall/leases/p', record);
  await assert.rejects(
    acquireLease(client, 'seawall/leases/p', record),
    (error: unknown) =>
      error instanceof SeawallError && error.code === 'locked' && error.message.includes('ann'),
  );
  await lease.release();
  await (await acquireLease(client, 'seawall/leases/p', record)).release();
}

async function compareAndSet(client: CatalogClient): Promise<void> {
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      updateRecord<string[]>(client, 'seawall/list', (present = []) => [...present, name]),
    ),
  );
  const { value } = await client.kvGet('seawall/list');
  assert.equal(JSON.parse(value?.value ?? '[]').length, 3);
  assert.equal(await client.kvDelete('seawall/list', { cas: (value?.modifyIndex ?? 0) + 1 }), false);
  assert.equal(await client.kvDelete('seawall/list', { cas: value?.modifyIndex ?? 0 }), true);
}

async function waiting(client: CatalogClient): Promise<void> {
  await client.kvPut('seawall/w/a', '1');
  const one = await client.kvList('seawall/w/');
  const next = client.kvList('seawall/w/', { index: one.index, waitMs: 20_000 });
  await client.kvDelete('seawall/w/a');
  const none = await next;
  assert.deepEqual(none.value, []);
  assert.ok(none.index > one.index);
  const quiet = await client.kvList('seawall/w/', { index: none.index, waitMs: 100 });
  assert.deepEqual(quiet.value, []);
}

async function draining(client: CatalogClient): Promise<void> {
  const id = 'h9:web-1:80';
  await client.register({
    node: 'h9',
    nodeAddress: '10.0.0.9',
    service: { id, name: 'drained', address: '10.0.0.10', port: 80, tags: [], meta: { a: 'b' } },
    checks: [{ id: `service:${id}`, name: 'Docker', status: 'passing', output: '', serviceId: id }],
  });
  const { value, index } = await client.serviceInstances('drained');
  const [instance] = value;
  assert.ok(instance);
  const news = client.serviceInstances('drained', { index, waitMs: 20_000 });
  await markDraining(client, instance, 'replaced');
  assert.deepEqual((await news).value, [{ ...instance, draining: true }]);
  await clearDraining(client, instance);
  assert.deepEqual((await client.serviceInstances('drained')).value, value);
  await client.deregister({ node: 'h9' });
  assert.deepEqual((await client.serviceInstances('drained')).value, []);
}
