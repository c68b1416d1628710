import assert from 'node:assert/strict';
import { request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '../../test/test-catalog.ts';
import { allowedPeers } from './peers.ts';
import { type MetricsServerOptions, serveMetrics } from './server.ts';

/** An address of this machine that is not loopback. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal);
  assert.ok(found, 'this machine has an address besides loopback');
  return found.address;
}

interface Served {
  readonly port: number;
  /** How many there are. */
  readonly connections: () => Promise<number>;
  readonly lines: readonly string[];
  readonly end: () => Promise<void>;
}

/** A server on a free port of loopback; ends with the test. */
async function serve(
  t: TestContext,
  more: Partial<MetricsServerOptions> = {},
  address = '127.0.0.1',
): Promise<Served> {
  const ending = new AbortController();
  const lines: string[] = [];
  const listening = Promise.withResolvers<Server>();
  const done = serveMetrics({
    rules: { listen: [{ address, port: 0 }], from: [] },
    text: async (format) => ({ contentType: `text/${format}`, text: 'seawall_catalog_up 1\n' }),
    signal: ending.signal,
    log: (line) => lines.push(line),
    onListening: listening.resolve,
    ...more,
  });
  const end = async () => {
    ending.abort();
    await done;
  };
  t.after(end);
  const server = await listening.promise;
  const connections = () => promisify(server.getConnections.bind(server))();
  return { port: (server.address() as AddressInfo).port, connections, lines, end };
}

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly allow: string | undefined;
  readonly body: string;
}

function ask(
  port: number,
  { path = '/metrics', method = 'GET', headers = {}, body = '' } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'],
          allow: response.headers.allow,
          body: text,
        }),
      );
    });
    call.on('error', reject);
    call.end(body === '' ? undefined : body);
  });
}

/** However it ends. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined).on('close', () => resolve());
  });

/** What a socket was sent until it was closed. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  await closed(socket);
  return text;
}

test('GET and HEAD of /metrics are answered in the format that is asked for', async (t) => {
  const { port } = await serve(t);
  assert.deepEqual(await ask(port), {
    status: 200,
    type: 'text/prometheus',
    allow: undefined,
    body: 'seawall_catalog_up 1\n',
  });
  const head = await ask(port, { method: 'HEAD', path: '/metrics?x=1' });
  assert.deepEqual([head.status, head.body], [200, '']);
  const open = await ask(port, { headers: { accept: 'application/openmetrics-text' } });
  assert.equal(open.type, 'text/openmetrics');
});

test('there is no other path, no other method and no body', async (t) => {
  const { port } = await serve(t);
  for (const path of ['/', '/metrics/', '//metrics', '/metrics/../v1/kv/', '/v1/kv/seawall?recurse'])
    assert.equal((await ask(port, { path })).status, 404, path);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH']) {
    const { status, allow } = await ask(port, { method });
    assert.deepEqual([status, allow], [405, 'GET, HEAD'], method);
  }
  assert.equal((await ask(port, { method: 'GET', body: 'x'.repeat(10) })).status, 400);
});

test('whoever is not named is cut off before a byte of the request is read', async (t) => {
  const isAsked = { value: false };
  const text = async () => {
    isAsked.value = true;
    return { contentType: 'text/plain', text: '' };
  };
  const rules = { listen: [{ address: '0.0.0.0', port: 0 }], from: ['203.0.113.250'] };
  const { port } = await serve(t, { rules, text });
  const socket = connect({ host: ownAddress(), port });
  socket.on('connect', () => socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'));
  assert.equal(await untilClosed(socket), '');
  assert.equal(isAsked.value, false);
  assert.equal((await ask(port)).status, 200, 'loopback may always');
});

test('whoever is named is answered', async (t) => {
  const address = ownAddress();
  const rules = { listen: [{ address: '0.0.0.0', port: 0 }], from: [`${address}/32`] };
  const { port } = await serve(t, { rules });
  const socket = connect({ host: address, port });
  socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(await untilClosed(socket), /^HTTP\/1\.1 200 [\s\S]*seawall_catalog_up 1/);
});

test('a client that never finishes its request, or never reads, does not keep its connection', async (t) => {
  const text = async () => ({ contentType: 'text/plain', text: 'x'.repeat(64 * 1024 * 1024) });
  const { port, connections: connectionsOf } = await serve(t, { patienceMs: 200, text });
  const slow = connect({ host: '127.0.0.1', port });
  slow.write('GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: ');
  const drip = setInterval(() => slow.write('a'), 50);
  t.after(() => clearInterval(drip));
  assert.match(await untilClosed(slow), /^(HTTP\/1\.1 408 [\s\S]*)?$/);
  const silent = connect({ host: '127.0.0.1', port });
  assert.match(await untilClosed(silent), /^(HTTP\/1\.1 408 [\s\S]*)?$/);
  // It asks for 64 MiB and takes nothing of it: what has found no room in the sockets is not kept for it.
  const deaf = connect({ host: '127.0.0.1', port });
  const cut = closed(deaf);
  deaf.pause();
  deaf.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('the server has the deaf client', async () => (await connectionsOf()) === 1);
  await eventually('the server gave the deaf client up', async () => (await connectionsOf()) === 0);
  deaf.resume();
  await cut;
  assert.ok(deaf.bytesRead < 64 * 1024 * 1024, `${deaf.bytesRead} bytes`);
});

test('a header of more than 8 KiB is refused, and more than 32 connections are not held', async (t) => {
  const { port } = await serve(t);
  const large = await ask(port, { headers: { 'x-large': 'a'.repeat(9_000) } });
  assert.equal(large.status, 431);
  const sockets = Array.from({ length: 40 }, () => connect({ host: '127.0.0.1', port }));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) {
    socket.on('error', () => undefined);
    socket.resume();
  }
  await eventually('the surplus is cut', () => sockets.filter(({ closed }) => closed).length >= 8);
});

test('what goes wrong inside is said to the log, not to the client', async (t) => {
  const { port, lines } = await serve(t, {
    text: async () => {
      throw new Error('the secret reason');
    },
  });
  const { status, body } = await ask(port);
  assert.equal(status, 500);
  assert.doesNotMatch(body, /secret/);
  assert.match(lines.join('\n'), /error metrics: the secret reason/);
});

test("an address that is not this host's is waited for, without a warning; the others are served", async (t) => {
  const rules = {
    listen: [
      { address: '192.0.2.77', port: 9464 },
      { address: '127.0.0.1', port: 0 },
    ],
    from: ['192.0.2.1'],
  };
  const { port, lines, end } = await serve(t, { rules });
  assert.equal((await ask(port)).status, 200);
  await eventually('it is said', () => lines.some((line) => /^info metrics: 192\.0\.2\.77: /.test(line)));
  await end();
  await assert.rejects(ask(port));
});

test('who may ask: loopback, single addresses and ranges, also in the form that a socket for both families shows', () => {
  const isAllowed = allowedPeers(['192.0.2.9', '198.51.100.0/24', '2001:db8::/32', 'fd00::1']);
  for (const peer of ['127.0.0.1', '127.9.9.9', '::1', '192.0.2.9', '::ffff:192.0.2.9', '198.51.100.200'])
    assert.ok(isAllowed(peer), peer);
  for (const peer of ['2001:db8:1::5', 'fd00::1', 'fd00::1%eth0']) assert.ok(isAllowed(peer), peer);
  for (const peer of ['192.0.2.8', '198.51.101.1', '2001:db9::1', 'fd00::2', '::ffff:192.0.2.8', '', 'x'])
    assert.ok(!isAllowed(peer), peer);
  assert.ok(!isAllowed(undefined));
});
