import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { flattenedVerify } from 'jose';
import { acmeFailure, acmeStage, ownServer, pendingOrder } from '../../../test/acme-clients.ts';
import { json, problem } from '../../../test/acme-fault-server.ts';
import { makeServerCertificate } from '../../../test/e2e/acme-certificate.ts';
import { isAlreadyReplaced, isOutage, renewalId } from './index.ts';

const { server, clients } = await acmeStage();

test('one nonce is fetched, then each answer brings the next; a refused one is tried again at once, 20 times at the most', async (t) => {
  const own = await ownServer(t);
  const client = clients.of(own);
  let refusals = 19;
  own.on('/new-order', (response) => {
    refusals -= 1;
    if (refusals >= 0) problem(response, 400, 'badNonce', 'not that one');
    else json(response, 201, pendingOrder(own.origin), { Location: `${own.origin}/order/1` });
  });
  assert.equal((await client.newOrder({ names: ['a.example'] })).url, `${own.origin}/order/1`);
  const posts = own.seen.filter(({ method }) => method === 'POST');
  assert.equal(posts.length, 20);
  assert.equal(new Set(posts.map(({ signed }) => signed?.header.nonce)).size, 20);
  assert.equal(own.seen.filter(({ method }) => method === 'HEAD').length, 1);
  refusals = 1000;
  const error = await acmeFailure(client.newOrder({ names: ['a.example'] }));
  assert.equal(error.type, 'urn:ietf:params:acme:error:badNonce');
  assert.equal(own.seen.filter(({ method }) => method === 'POST').length, 40);
});

test('requests are signed with ES256 over URL and nonce, by the account, or by the key when the account is not known', async (t) => {
  const own = await ownServer(t);
  const client = clients.of(own);
  own.on('/order/1', (response) => json(response, 200, pendingOrder(own.origin)));
  await client.order(`${own.origin}/order/1`);
  await client.account({
    email: 'ops@example.com',
    binding: { keyId: 'k1', key: Buffer.alloc(32, 7).toString('base64url') },
  });
  const [read, account] = own.seen.filter(({ signed }) => signed !== undefined);
  assert.ok(read && account);
  assert.deepEqual(Object.keys(read.signed?.header ?? {}).sort(), ['alg', 'kid', 'nonce', 'url']);
  assert.equal(read.signed?.header.url, `${own.origin}/order/1`);
  assert.equal(read.signed?.payload, undefined);
  assert.equal(read.headers['user-agent'], 'seawall/test');
  assert.deepEqual(Object.keys(account.signed?.header ?? {}).sort(), ['alg', 'jwk', 'nonce', 'url']);
  for (const { body } of [read, account]) {
    await flattenedVerify(JSON.parse(body), createPublicKey(clients.accountKey));
  }
  const payload = account.signed?.payload as { contact: string[]; externalAccountBinding: never };
  assert.deepEqual(payload.contact, ['mailto:ops@example.com']);
  const bound = await flattenedVerify(payload.externalAccountBinding, new Uint8Array(32).fill(7));
  assert.deepEqual(bound.protectedHeader, { alg: 'HS256', kid: 'k1', url: `${own.origin}/new-account` });
  assert.deepEqual(JSON.parse(Buffer.from(bound.payload).toString()), account.signed?.header.jwk);
});

test('where a directory has neither renewal information nor profiles, orders name none and there is no window', async (t) => {
  const own = await ownServer(t, { directory: { renewalInfo: undefined, meta: undefined } });
  const client = clients.of(own);
  const { certificate } = await makeServerCertificate('127.0.0.1', []);
  assert.equal(await client.renewalInfo(certificate), undefined);
  own.on('/new-order', (response) => json(response, 201, pendingOrder(own.origin), { Location: '/order/1' }));
  await client.newOrder({
    names: ['a.example', '192.0.2.1'],
    profile: 'shortlived',
    replaces: certificate,
  });
  const identifiers = [
    { type: 'dns', value: 'a.example' },
    { type: 'ip', value: '192.0.2.1' },
  ];
  assert.deepEqual(own.seen.at(-1)?.signed?.payload, { identifiers });
});

test('a certificate that was replaced before is told by its type', async () => {
  server.on('/new-order', (response) => problem(response, 409, 'alreadyReplaced', 'has a successor'));
  const { certificate } = await makeServerCertificate('127.0.0.1', []);
  const error = await acmeFailure(
    clients.of(server).newOrder({ names: ['a.example'], replaces: certificate }),
  );
  assert.ok(isAlreadyReplaced(error));
});

test('renewal windows: bounds on when to ask again, and one that ends before it begins is none', async () => {
  const { certificate } = await makeServerCertificate('127.0.0.1', []);
  const client = clients.of(server);
  const id = await renewalId(certificate);
  const seen = (window: { start: string; end: string }, headers: Record<string, string>) =>
    server.on(`/renewal-info/${id}`, (response) =>
      json(response, 200, { suggestedWindow: window, explanationURL: 'https://ca.example/why' }, headers),
    );
  const window = { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00+01:00' };
  for (const [header, wantedMs] of [
    ['1', 60_000],
    ['7200', 7_200_000],
    ['9999999', 86_400_000],
    ['soon', 21_600_000],
  ] as const) {
    seen(window, { 'Retry-After': header });
    assert.deepEqual(await client.renewalInfo(certificate), {
      start: '2026-01-01T00:00:00.000Z',
      end: '2026-01-01T23:00:00.000Z',
      explanation: 'https://ca.example/why',
      askAgainMs: wantedMs,
    });
  }
  seen({ start: window.end, end: window.start }, {});
  assert.ok(isOutage(await acmeFailure(client.renewalInfo(certificate))));
});

test('waiting ends at its timeout, with the order left as it is, and when it is aborted', async () => {
  const client = clients.of(server);
  const url = `${server.origin}/order/slow`;
  server.on('/order/slow', (response) =>
    json(response, 200, { ...pendingOrder(server.origin), status: 'processing' }, { 'Retry-After': '86400' }),
  );
  const error = await acmeFailure(client.waitForOrder(url, ['valid'], { timeoutMs: 200 }));
  assert.equal(error.code, 'timeout');
  const stop = new AbortController();
  const wait = client.waitForOrder(url, ['valid'], { timeoutMs: 60_000, signal: stop.signal });
  stop.abort(new Error('enough'));
  await assert.rejects(wait, { message: 'enough' });
});

test('a chain is certificates and nothing else, of the right content type', async () => {
  const { certificate, authority, key } = await makeServerCertificate('127.0.0.1', []);
  const client = clients.of(server);
  const headers = {
    'Content-Type': 'application/pem-certificate-chain',
    Link: '</cert/1/1>;rel="alternate", </directory>;rel="index"',
  };
  server.on('/cert/1', (response) =>
    response.writeHead(200, headers).end(`hello\n${certificate}${key}${authority}`),
  );
  const { chain, alternates } = await client.certificate(`${server.origin}/cert/1`);
  assert.equal(chain, `${certificate}${authority}`);
  assert.deepEqual(alternates, [`${server.origin}/cert/1/1`]);
  server.on('/cert/1', (response) => response.writeHead(200, headers).end(key));
  assert.ok(isOutage(await acmeFailure(client.certificate(`${server.origin}/cert/1`))));
  server.on('/cert/1', (response) =>
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(certificate),
  );
  assert.ok(isOutage(await acmeFailure(client.certificate(`${server.origin}/cert/1`))));
});

test('a token that is more than base64url never leaves the client', async () => {
  const challenge = (token: string) => ({
    type: 'http-01',
    url: `${server.origin}/c`,
    status: 'pending',
    token,
  });
  const challenges = [
    challenge('../../etc/passwd-and-some-more'),
    challenge('A'.repeat(43)),
    { ...challenge(''), token: undefined },
  ];
  server.on('/authz/1', (response) =>
    json(response, 200, { status: 'pending', identifier: { type: 'dns', value: 'a.example' }, challenges }),
  );
  const { challenges: kept } = await clients.of(server).authorization(`${server.origin}/authz/1`);
  assert.deepEqual(
    kept.map(({ token }) => token),
    ['A'.repeat(43)],
  );
});
