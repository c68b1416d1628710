import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { acmeFailure, acmeStage, ownServer, pendingOrder } from '../../../test/acme-clients.ts';
import { json, problem, startFaultServer } from '../../../test/acme-fault-server.ts';
import { makeServerCertificate } from '../../../test/e2e/acme-certificate.ts';
import { describeError } from '../../errors.ts';
import { isOutage, isRateLimited } from './index.ts';

const { server, clients } = await acmeStage();

test('a rate limit is an error with the time to wait, in seconds or as a date, and nothing is waited', async () => {
  const client = clients.of(server);
  server.on('/new-order', (response) =>
    problem(response, 429, 'rateLimited', 'too many certificates', { 'Retry-After': '518400' }),
  );
  const first = await acmeFailure(client.newOrder({ names: ['a.example'] }));
  assert.deepEqual([isRateLimited(first), isOutage(first)], [true, false]);
  assert.equal(first.retryAfterMs, 518_400_000);
  assert.match(first.message, /refused a new order for a\.example: too many certificates \(rateLimited\)$/);
  assert.match(first.hint ?? '', /in 144 hours/);
  const at = new Date(Date.now() + 3 * 60 * 60 * 1000);
  server.on('/new-order', (response) =>
    problem(response, 429, 'rateLimited', 'too many', { 'Retry-After': at.toUTCString() }),
  );
  const second = await acmeFailure(client.newOrder({ names: ['a.example'] }));
  assert.ok(
    (second.retryAfterMs ?? 0) > 2 * 60 * 60 * 1000 && (second.retryAfterMs ?? 0) <= 3 * 60 * 60 * 1000,
  );
});

test('503 with a page of HTML is an outage, with its Retry-After', async () => {
  server.on('/new-order', (response) =>
    response.writeHead(503, { 'Content-Type': 'text/html', 'Retry-After': '90' }).end('<h1>busy</h1>'),
  );
  const error = await acmeFailure(clients.of(server).newOrder({ names: ['a.example'] }));
  assert.deepEqual([isRateLimited(error), isOutage(error)], [false, true]);
  assert.equal(error.status, 503);
  assert.equal(error.retryAfterMs, 90_000);
  assert.doesNotMatch(error.message, /busy/);
});

test('an answer that never comes, or never ends, runs into the timeout', async () => {
  const client = clients.of(server, { timeoutMs: 300 });
  await client.directory();
  for (const begin of [() => {}, (response: ServerResponse) => response.writeHead(201).write('{')]) {
    server.on('/new-order', (response) => void begin(response));
    const error = await acmeFailure(client.newOrder({ names: ['a.example'] }));
    assert.equal(error.code, 'timeout');
    assert.ok(isOutage(error));
    assert.match(error.message, /within 300 ms/);
  }
});

test('an abort ends a call with its own reason', async () => {
  const stop = new AbortController();
  server.on('/new-order', () => stop.abort(new Error('enough')));
  const call = clients.of(server).newOrder({ names: ['a.example'] }, { signal: stop.signal });
  await assert.rejects(call, { message: 'enough' });
});

test('what is no ACME is an outage: broken JSON, another noun, another content type, more than 1 MiB', async () => {
  const client = clients.of(server);
  const asJson = { 'Content-Type': 'application/json', Location: `${server.origin}/order/1` };
  const bodies: ReadonlyArray<readonly [Record<string, string>, string, RegExp]> = [
    [asJson, '{"status":\u001b[31m', /no ACME/],
    [asJson, '{"status":"done"}', /no ACME/],
    [{ ...asJson, 'Content-Type': 'text/html' }, '<form>log in</form>', /text\/html/],
    [asJson, `"${'x'.repeat(2 * 1024 * 1024)}"`, /more than 1 MiB/],
  ];
  for (const [headers, body, words] of bodies) {
    server.on('/new-order', (response) => response.writeHead(201, headers).end(body));
    const error = await acmeFailure(client.newOrder({ names: ['a.example'] }));
    assert.ok(isOutage(error), error.message);
    assert.match(error.message, words);
    assert.doesNotMatch(describeError(error), /\p{C}/u);
  }
  server.on('/new-order', (response) => json(response, 201, pendingOrder(server.origin)));
  assert.match((await acmeFailure(client.newOrder({ names: ['a.example'] }))).message, /did not say where/);
});

test('nobody at the address is an outage; a certificate of somebody else is not', async (t) => {
  const gone = await startFaultServer();
  await gone.close();
  const away = await acmeFailure(clients.of(gone).directory());
  assert.ok(isOutage(away));
  assert.match(away.hint ?? '', /directory answers/);
  const { authority, certificate, key } = await makeServerCertificate('127.0.0.1', []);
  const secure = await ownServer(t, { tls: { certificate, key } });
  const strange = await acmeFailure(clients.of(secure).directory());
  assert.equal(strange.code, 'refused');
  assert.ok(!isOutage(strange));
  assert.equal((await acmeFailure(clients.of(secure, { trust: 'no PEM' }).directory())).code, 'refused');
  assert.deepEqual((await clients.of(secure, { trust: authority }).directory()).profiles, {
    classic: 'as ever',
  });
});

test('an HTTPS directory cannot lead to plain HTTP', async (t) => {
  const { authority, certificate, key } = await makeServerCertificate('127.0.0.1', []);
  const secure = await ownServer(t, {
    tls: { certificate, key },
    directory: { newNonce: `${server.origin}/new-nonce` },
  });
  const seen = server.seen.length;
  const error = await acmeFailure(
    clients.of(secure, { trust: authority }).newOrder({ names: ['a.example'] }),
  );
  assert.match(error.message, /only https/);
  assert.equal(server.seen.length, seen);
});

test('a signed request follows no redirect, a read does', async () => {
  server.on('/new-order', (response) => response.writeHead(307, { Location: '/elsewhere' }).end());
  server.on('/elsewhere', () => assert.fail('followed'));
  const error = await acmeFailure(clients.of(server).newOrder({ names: ['a.example'] }));
  assert.match(error.message, /redirect/);
  server.on('/moved', (response) => response.writeHead(302, { Location: '/directory' }).end());
  const client = clients.of(server, { directory: `${server.origin}/moved` });
  assert.equal((await client.directory()).newOrder, `${server.origin}/new-order`);
  server.on('/round', (response) => response.writeHead(302, { Location: '/round' }).end());
  await acmeFailure(clients.of(server, { directory: `${server.origin}/round` }).directory());
});

test('subproblems name their identifiers', async () => {
  const subproblems = [
    {
      type: 'urn:ietf:params:acme:error:caa',
      detail: 'forbidden by CAA',
      identifier: { type: 'dns', value: 'b.example' },
    },
  ];
  server.on('/new-order', (response) =>
    json(response, 403, {
      type: 'urn:ietf:params:acme:error:rejectedIdentifier',
      detail: 'no\u001b[31m\n',
      subproblems,
    }),
  );
  const error = await acmeFailure(clients.of(server).newOrder({ names: ['a.example', 'b.example'] }));
  assert.equal(error.subproblems[0]?.identifier, 'b.example');
  assert.match(error.message, /: no \[31m; b\.example: forbidden by CAA \(rejectedIdentifier\)$/);
});

test('an account that is not taken leads to its binding, not to the names', async (t) => {
  const own = await ownServer(t);
  own.on('/new-account', (response) => problem(response, 403, 'unauthorized', 'wrong MAC'));
  const error = await acmeFailure(clients.of(own).account({}));
  assert.match(error.hint ?? '', /key_id/);
  assert.doesNotMatch(error.hint ?? '', /edge,/);
});

test('an order that became invalid says why', async () => {
  const body = {
    ...pendingOrder(server.origin),
    status: 'invalid',
    error: { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA says no', status: 403 },
  };
  server.on('/order/2', (response) => json(response, 200, body));
  const error = await acmeFailure(
    clients.of(server).waitForOrder(`${server.origin}/order/2`, ['valid'], { timeoutMs: 5_000 }),
  );
  assert.match(error.message, /refused the order for a\.example: CAA says no \(caa\)$/);
  assert.match(error.hint ?? '', /CAA record/);
  assert.equal(error.status, undefined);
});

test('a read is sent again when the server had just closed the kept connection; an order is never sent over one', async (t) => {
  const own = await ownServer(t);
  const client = clients.of(own);
  const used = new Set<unknown>();
  own.on('/order/1', (response) => {
    const { socket } = response;
    // As a server does that closes an idle connection in the moment in which it is used.
    if (used.has(socket)) socket?.destroy();
    else json(response, 200, pendingOrder(own.origin));
    used.add(socket);
  });
  for (let read = 0; read < 3; read += 1) await client.order(`${own.origin}/order/1`);
  assert.ok(used.size > 1);
  own.on('/new-order', (response) => {
    assert.ok(!used.has(response.socket));
    used.add(response.socket);
    json(response, 201, pendingOrder(own.origin), { Location: '/order/1' });
  });
  for (let order = 0; order < 3; order += 1) await client.newOrder({ names: ['a.example'] });
});
