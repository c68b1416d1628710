import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { makeRoot } from '../../test/test-certificates.ts';
import { describeProbe, probeHttp, probeTcp, probeTls } from './probe.ts';

const address = '127.0.0.1';

async function serve(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, address);
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const server = createTcpServer().listen(0, address);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('an app that answers below 500 is well, also when it redirects or does not know the path', async (t) => {
  const port = await serve(t, (request, response) => {
    const status = Number(request.url?.slice(1));
    response.writeHead(status, { location: '/500' }).end(`is ${status}`);
  });
  for (const [status, ok] of [
    [200, true],
    [302, true],
    [404, true],
    [499, true],
    [500, false],
    [503, false],
  ] as const) {
    const result = await probeHttp({ address, port, path: `/${status}`, timeoutMs: 5000 });
    assert.deepEqual(result, {
      ok,
      what: `GET http://127.0.0.1:${port}/${status}`,
      status,
      body: `is ${status}`,
    });
  }
});

test('the probe closes its connection and sends the Host header it was given', async (t) => {
  const seen: (string | undefined)[] = [];
  const port = await serve(t, (request, response) => {
    seen.push(request.headers.connection, request.headers.host);
    response.end();
  });
  await probeHttp({ address, port, path: '/', host: 'polls.example.com', timeoutMs: 5000 });
  assert.deepEqual(seen, ['close', 'polls.example.com']);
});

test('the body shown is short and cannot forge a log line or colour a terminal', async (t) => {
  const port = await serve(t, (_, response) => response.end(`a\r\nb\u001b[31m${'x'.repeat(5000)}`));
  const { body } = await probeHttp({ address, port, path: '/', timeoutMs: 5000 });
  assert.match(body ?? '', /^a b·\[31mx+$/);
  assert.ok((body ?? '').length <= 120);
});

test('a stream that never ends is judged by its head', async (t) => {
  const port = await serve(t, (_, response) => {
    response.writeHead(200);
    response.write('data: 1\n\n');
  });
  const result = await probeHttp({ address, port, path: '/sse', timeoutMs: 10_000 });
  assert.equal(result.ok, true);
  assert.equal(result.body, 'data: 1');
});

test('no listener, no answer and an abort are told apart', async (t) => {
  const silent = await serve(t, () => {});
  const port = await closedPort();
  const refused = await probeHttp({ address, port, path: '/', timeoutMs: 5000 });
  assert.equal(describeProbe(refused), `GET http://127.0.0.1:${port}/: connection refused`);
  const late = await probeHttp({ address, port: silent, path: '/', timeoutMs: 50 });
  assert.equal(late.error, 'no answer within 50 ms');
  const abort = new AbortController();
  const pending = probeHttp({ address, port: silent, path: '/', timeoutMs: 60_000, signal: abort.signal });
  abort.abort();
  assert.equal((await pending).error, 'aborted');
  assert.equal((await probeTcp({ address, port, timeoutMs: 50, signal: abort.signal })).error, 'aborted');
});

test('a path that cannot be sent is a failed probe, not an exception', async () => {
  const result = await probeHttp({ address, port: 1, path: '/a\r\nHost: evil', timeoutMs: 1000 });
  assert.equal(result.ok, false);
  assert.doesNotMatch(describeProbe(result), /[\r\n]/);
});

test('TCP: an accepted connection is well, a refused one is not', async (t) => {
  const port = await serve(t, () => {});
  const good = await probeTcp({ address, port, timeoutMs: 5000, localAddress: address });
  assert.equal(describeProbe(good), `TCP 127.0.0.1:${port}: accepted`);
  const bad = await probeTcp({ address, port: await closedPort(), timeoutMs: 5000 });
  assert.deepEqual([bad.ok, bad.error], [false, 'connection refused']);
});

test('an IPv6 address stands in brackets', async () => {
  const result = await probeTcp({ address: '::1', port: await closedPort(), timeoutMs: 5000 });
  assert.match(result.what, /^TCP \[::1\]:\d+$/);
  assert.equal(result.ok, false);
});

test('TLS: the handshake has to end well, for the name that is asked for and by a CA that is trusted', async (t) => {
  const root = await makeRoot();
  const other = await makeRoot('CN=Other');
  const { chain, key } = await root.issue(['web.internal']);
  const server = createTlsServer({ cert: chain, key }).listen(0, address);
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const place = { address, port, timeoutMs: 5000, serverName: 'web.internal', trust: root.certificate };
  const good = await probeTls(place);
  assert.deepEqual([good.ok, good.what], [true, `TLS 127.0.0.1:${port} as web.internal`]);
  assert.equal((await probeTls({ ...place, serverName: 'api.internal' })).ok, false);
  const untrusted = await probeTls({ ...place, trust: other.certificate });
  assert.deepEqual([untrusted.ok, untrusted.isSilent], [false, undefined]);
  assert.equal((await probeTls({ ...place, trust: 'no PEM' })).ok, false);
});
