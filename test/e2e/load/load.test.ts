import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { constants, createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCommand } from '../../../lab/command.ts';
import type { LoadReport } from './report.ts';
import { startLoad } from './start.ts';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Two seconds of load against an app that answers as told. */
async function load(
  t: TestContext,
  answer: (id: string) => { status?: number; body: unknown },
): Promise<LoadReport> {
  const url = await serve(t, (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://x');
    const { status = 200, body } = answer(searchParams.get('id') ?? '');
    request.resume().on('end', () => response.writeHead(status).end(JSON.stringify(body)));
  });
  const running = startLoad({ url, seconds: 2, rate: 100, versions: ['v1', 'v2'], mix: 'get=1' });
  t.after(() => running.stop());
  return running.ended;
}

test('good answers count as good, and their versions are told', async (t) => {
  const report = await load(t, (id) => ({ body: { version: 'v2', instance: 'i1', id } }));
  assert.equal(report.failed, 0);
  assert.equal(report.requests, 200);
  assert.equal(report.versions.v2?.requests, 200);
  assert.deepEqual(report.instances, { i1: 200 });
});

for (const [what, reason, body, status] of [
  ['a 502', 'status 502', (id: string) => ({ version: 'v1', instance: 'i', id }), 502],
  ['a redirect', 'status 302', (id: string) => ({ version: 'v1', instance: 'i', id }), 302],
  ['an unexpected version', 'version', (id: string) => ({ version: 'v3', instance: 'i', id }), 200],
  ['the answer to another request', 'body', () => ({ version: 'v1', instance: 'i', id: 'other' }), 200],
] as const) {
  test(`${what} counts as failed`, async (t) => {
    const report = await load(t, (id) => ({ status, body: body(id) }));
    assert.equal(report.failed, 200);
    assert.deepEqual(Object.keys(report.reasons), [reason]);
    assert.equal(report.failures.length, 20);
  });
}

test('a connection that is cut, before or within the answer, counts as failed', async (t) => {
  let turn = 0;
  const url = await serve(t, (_, response) => {
    turn += 1;
    if (turn % 2 === 0) response.socket?.resetAndDestroy();
    else response.writeHead(200, { 'content-length': 100 }).write('{', () => response.socket?.destroy());
  });
  const report = await startLoad({ url, seconds: 1, rate: 100, mix: 'get=1' }).ended;
  assert.equal(report.failed, 100);
  assert.deepEqual(Object.keys(report.reasons), ['cut: reset', 'reset']);
});

test('nobody listening counts as refused', async (t) => {
  const url = await serve(t, () => {});
  const closed = new URL(url);
  closed.port = '1';
  const report = await startLoad({ url: closed.href, seconds: 1, rate: 100, mix: 'get=1,post=1' }).ended;
  assert.deepEqual(report.reasons, { refused: 100 });
});

test('an echo that differs from what was sent counts as failed', async (t) => {
  const url = await serve(t, (request, response) => {
    const id = new URL(request.url ?? '/', 'http://x').searchParams.get('id');
    const body = { version: 'v1', instance: 'i', id, sha256: 'x' };
    request.resume().on('end', () => response.end(JSON.stringify(body)));
  });
  const report = await startLoad({ url, seconds: 1, rate: 100, mix: 'post=1' }).ended;
  assert.deepEqual(report.reasons, { echo: 100 });
});

test('a stalled app is seen by every request that waits behind it, and stop gives the figures', async (t) => {
  let isStalled = true;
  const waiting: (() => void)[] = [];
  const url = await serve(t, (request, response) => {
    const id = new URL(request.url ?? '/', 'http://x').searchParams.get('id');
    const end = () => response.end(JSON.stringify({ version: 'v1', instance: 'i', id }));
    if (isStalled) waiting.push(end);
    else end();
    if (waiting.length < 50) return;
    isStalled = false;
    for (const go of waiting.splice(0)) go();
  });
  const running = startLoad({ url, seconds: 60, rate: 100, mix: 'get=1' });
  let report = await running.report();
  while (report.requests < 60) report = await running.report();
  const final = await running.stop();
  assert.ok(final.requests >= 60);
  assert.equal(final.failed, 0);
  assert.ok(final.maxMs >= 400, `the first of 50 stalled requests at 100 a second waited ${final.maxMs} ms`);
});

test('over TLS the certificate is checked, and HTTP/2 is spoken beside HTTP/1.1', async (t) => {
  const { certificate, privateKey, folder } = await selfSigned(t, 'load.example.org');
  const server = createSecureServer(
    { cert: certificate, key: privateKey, allowHTTP1: true },
    (request, response) => {
      const id = new URL(request.url, 'http://x').searchParams.get('id');
      const body = { version: `HTTP/${request.httpVersion}`, instance: 'i', id };
      request.resume().on('end', () => response.end(JSON.stringify(body)));
    },
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { url, trust: join(folder, 'certificate.pem'), seconds: 1, rate: 100 };
  const good = await startLoad({ ...options, hostHeader: 'load.example.org', mix: 'get=1,h2=1' }).ended;
  assert.equal(good.failed, 0, JSON.stringify(good.reasons));
  assert.deepEqual(Object.keys(good.versions), ['HTTP/1.1', 'HTTP/2.0']);
  assert.equal(good.http2?.sessions, 4);
  const other = await startLoad({ ...options, hostHeader: 'other.example.org', mix: 'get=1,h2=1' }).ended;
  assert.deepEqual(other.reasons, { ERR_TLS_CERT_ALTNAME_INVALID: 100 });
});

test('a request that the server refuses untouched as it closes a connection of HTTP/2 is sent again', async (t) => {
  const { certificate, privateKey, folder } = await selfSigned(t, 'load.example.org');
  let refused = 0;
  const server = createSecureServer({ cert: certificate, key: privateKey }).listen(0, '127.0.0.1');
  server.on('stream', (stream, headers) => {
    if (refused < 3) {
      refused += 1;
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const id = new URL(headers[':path'] ?? '', 'http://x').searchParams.get('id');
    stream.end(JSON.stringify({ version: 'v1', instance: 'i', id }));
  });
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const trust = join(folder, 'certificate.pem');
  const load = { url, trust, hostHeader: 'load.example.org', seconds: 1, rate: 50, mix: 'h2=1' };
  const report = await startLoad(load).ended;
  assert.deepEqual([report.failed, report.http2?.sentAgain], [0, 3]);
});

async function selfSigned(t: TestContext, name: string) {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-load-'));
  t.after(() => rm(folder, { recursive: true }));
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  await runCommand('openssl', ['req', '-x509', ...key, ...subject, '-out', certificateFile]);
  return {
    folder,
    certificate: await readFile(certificateFile, 'utf8'),
    privateKey: await readFile(keyFile, 'utf8'),
  };
}
