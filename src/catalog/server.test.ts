import assert from 'node:assert/strict';
import https from 'node:https';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually, startTestCatalog, testCertificate } from '../../test/test-catalog.ts';
import { CATALOG_TLS_NAME } from '../cluster.ts';
import { SeawallError } from '../errors.ts';
import { startCatalogServer } from './server.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

type Ask = (
  method: string,
  path: string,
  body?: string | Buffer,
  headers?: Record<string, string>,
) => Promise<Answer>;

/** Asks as a program that is not Seawall's does. */
async function asker(t: TestContext): Promise<Ask> {
  const { connection } = await startTestCatalog(t);
  const { certificate, token } = await testCertificate();
  const agent = new https.Agent({ keepAlive: true, ca: certificate, servername: CATALOG_TLS_NAME });
  t.after(() => agent.destroy());
  return (method, path, body = '', headers = { 'X-Consul-Token': token }) =>
    new Promise((resolve, reject) => {
      const options = {
        ...connection.target,
        agent,
        method,
        path,
        headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
      };
      const request = https.request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      });
      request.on('error', reject);
      request.end(body);
    });
}

test('without the token nothing is answered, whatever is asked', async (t) => {
  const ask = await asker(t);
  const { token } = await testCertificate();
  for (const path of ['/', '/v1/status/leader', '/v1/kv/a', '/v1/nope', `/v1/kv/a?token=${token}x`]) {
    for (const headers of [
      {},
      { 'X-Consul-Token': token.slice(0, -1) },
      { Authorization: 'Bearer x' },
    ] as Record<string, string>[]) {
      assert.equal((await ask('GET', path, '', headers)).status, 403, path);
    }
  }
  assert.equal((await ask('GET', '/v1/status/leader', '', { Authorization: `Bearer ${token}` })).status, 200);
  assert.equal((await ask('GET', `/v1/status/leader?token=${token}`, '', {})).status, 200);
});

test('every read carries the headers by which Consul clients live', async (t) => {
  const ask = await asker(t);
  for (const path of [
    '/v1/kv/none',
    '/v1/kv/none?recurse',
    '/v1/catalog/services',
    '/v1/health/state/any',
    '/v1/session/list',
  ]) {
    const { headers } = await ask('GET', path);
    assert.ok(Number(headers['x-consul-index']) >= 1, path);
    assert.deepEqual([headers['x-consul-knownleader'], headers['x-consul-lastcontact']], ['true', '0'], path);
  }
});

test('scripts, and checks that nobody would run, are refused rather than forgotten', async (t) => {
  const ask = await asker(t);
  for (const check of [
    '{"Args":["sh"],"Interval":"1s"}',
    '{"http":"http://x","interval":"1s"}',
    '{"tcp":"x:1"}',
    '{}',
    '{"TTL":"x"}',
  ]) {
    const { status } = await ask('PUT', '/v1/agent/service/register', `{"Name":"x","Check":${check}}`);
    assert.ok(status >= 400, check);
  }
  assert.equal((await ask('GET', '/v1/agent/services')).text, '{}');
});

test('a TTL check lives by its signs of life, in whatever spelling it was registered', async (t) => {
  const ask = await asker(t);
  const statusOf = async (): Promise<string> =>
    JSON.parse((await ask('GET', '/v1/health/service/db')).text)[0].Checks[1].Status;
  assert.equal(
    (
      await ask(
        'PUT',
        '/v1/agent/service/register',
        '{"name":"db","port":5432,"enable_tag_override":true,"check":{"ttl":"200ms"}}',
      )
    ).status,
    200,
  );
  assert.equal(await statusOf(), 'critical');
  assert.equal((await ask('PUT', '/v1/agent/check/pass/service:db?note=fine')).status, 200);
  assert.equal(await statusOf(), 'passing');
  assert.equal(JSON.parse((await ask('GET', '/v1/health/service/db?passing')).text).length, 1);
  await eventually('it expired', async () => (await statusOf()) === 'critical');
  assert.equal((await ask('PUT', '/v1/agent/service/deregister/db')).status, 200);
  assert.equal((await ask('GET', '/v1/agent/checks')).text, '{}');
});

test('bodies that are too large, broken or of the wrong kind do no harm', async (t) => {
  const ask = await asker(t);
  assert.equal((await ask('PUT', '/v1/kv/a', Buffer.alloc(524_289))).status, 413);
  assert.equal((await ask('PUT', '/v1/catalog/register', Buffer.alloc(5_000_000))).status, 413);
  for (const body of [
    '{bad',
    '[]',
    '"x"',
    '{"Node":1}',
    '{"Node":"h","Address":"a","Service":[]}',
    '{"Node":"h","Address":"a","Checks":{}}',
  ]) {
    assert.equal((await ask('PUT', '/v1/catalog/register', body)).status, 400, body);
  }
  for (const body of ['{}', '{"Node":"h"}'])
    assert.equal((await ask('PUT', '/v1/catalog/register', body)).status, 500, body);
  for (const path of [
    '/v1/kv/a?index=x',
    '/v1/kv/a?index=-1',
    '/v1/kv/a?index=1&wait=x',
    '/v1/kv/a?stale&consistent',
    '/v1/kv/%zz',
    '/v1/kv/',
  ]) {
    assert.equal((await ask('GET', path)).status, 400, path);
  }
  assert.equal((await ask('GET', '/v1/health/service/x?filter=a')).status, 400);
  assert.equal((await ask('GET', '/v1/kv/a?dc=other')).status, 500);
  assert.equal((await ask('POST', '/v1/kv/a')).status, 405);
  assert.equal((await ask('GET', '/v1/nope')).status, 404);
  assert.equal((await ask('PUT', '/v1/catalog/deregister', '{"Node":"catalog"}')).status, 400);
});

test('after a lost session with a lock delay nobody gets the key for that time', async (t) => {
  const ask = await asker(t);
  const session = async (delay: string): Promise<string> =>
    JSON.parse((await ask('PUT', '/v1/session/create', `{"LockDelay":"${delay}"}`)).text).ID;
  const first = await session('700ms');
  const second = await session('0s');
  assert.equal((await ask('PUT', `/v1/kv/l?acquire=${first}`, 'x')).text, 'true');
  await ask('PUT', `/v1/session/destroy/${first}`);
  assert.equal((await ask('PUT', `/v1/kv/l?acquire=${second}`, 'x')).text, 'false');
  await eventually(
    'the delay is over',
    async () => (await ask('PUT', `/v1/kv/l?acquire=${second}`, 'x')).text === 'true',
  );
});

test('a session ends with the node or check that it depends on', async (t) => {
  const ask = await asker(t);
  await ask(
    'PUT',
    '/v1/catalog/register',
    '{"Node":"h1","Address":"10.0.0.1","Check":{"CheckID":"up","Name":"up","Status":"passing"}}',
  );
  const { ID } = JSON.parse(
    (await ask('PUT', '/v1/session/create', '{"Node":"h1","NodeChecks":["up"],"Behavior":"delete"}')).text,
  );
  await ask('PUT', `/v1/kv/k?acquire=${ID}`, 'x');
  await ask(
    'PUT',
    '/v1/catalog/register',
    '{"Node":"h1","Address":"10.0.0.1","Check":{"CheckID":"up","Name":"up","Status":"critical"}}',
  );
  assert.equal((await ask('GET', '/v1/kv/k')).status, 404);
  assert.equal((await ask('GET', `/v1/session/info/${ID}`)).text, '[]');
});

test('a second server on the same port or directory is refused by name', async (t) => {
  const { connection, dir } = await startTestCatalog(t);
  const { certificate, privateKey, token } = await testCertificate();
  assert.ok('port' in connection.target);
  const listen = [connection.target];
  await assert.rejects(
    startCatalogServer({ dir, certificate, privateKey, token, listen }),
    (error: unknown) =>
      error instanceof SeawallError &&
      error.code === 'refused' &&
      error.message.includes(String(listen[0]?.port)),
  );
});

test('an address that the machine does not have yet does not keep the others from serving', async (t) => {
  const { dir } = await startTestCatalog(t);
  const { certificate, privateKey, token } = await testCertificate();
  const server = await startCatalogServer({
    dir: `${dir}/other`,
    certificate,
    privateKey,
    token,
    listen: [
      { host: '192.0.2.1', port: 0 },
      { host: '127.0.0.1', port: 0 },
    ],
  });
  assert.deepEqual(
    server.addresses().map((address) => address.host),
    ['127.0.0.1'],
  );
  await server.close();
});

test('who speaks no TLS is cut off and disturbs nobody', async (t) => {
  const { client, connection } = await startTestCatalog(t);
  const { target } = connection;
  assert.ok('port' in target);
  await new Promise<void>((resolve) => {
    const socket = connect(target.port, target.host, () =>
      socket.write('GET /v1/kv/a HTTP/1.1\r\nHost: x\r\n\r\n'),
    );
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
  assert.equal(await client.kvPut('a', 'x'), true);
});
