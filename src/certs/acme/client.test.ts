import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { flattenedVerify } from 'jose';
import { type FaultServer, json, problem, startFaultServer } from '../../../test/acme-fault-server.ts';
import { makeServerCertificate } from '../../../test/e2e/acme-certificate.ts';
import {
  AcmeClient,
  type AcmeClientOptions,
  AcmeError,
  isAlreadyReplaced,
  isOutage,
  isRateLimited,
  makeKey,
  renewalId,
} from './index.ts';

let accountKey = '';
let server: FaultServer;
const clients: AcmeClient[] = [];

before(async () => {
  accountKey = await makeKey('ecdsa');
  server = await startFaultServer();
});

after(async () => {
  for (const client of clients) client.close();
  await server.close();
});

function clientOf(of: FaultServer, more: Partial<AcmeClientOptions> = {}): AcmeClient {
  const kid = `${of.origin}/account/1`;
  const client = new AcmeClient({
    directory: of.directory,
    accountKey,
    kid,
    userAgent: 'seawall/test',
    ...more,
  });
  clients.push(client);
  return client;
}

const pending = (origin: string) => ({
  status: 'pending',
  identifiers: [{ type: 'dns', value: 'a.example' }],
  authorizations: [`${origin}/authz/1`],
  finalize: `${origin}/finalize/1`,
});

async function failure(work: Promise<unknown>): Promise<AcmeError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AcmeError, `${error} is no AcmeError`);
  return error;
}

test('a rate limit is an error with the time to wait, in seconds or as a date, and nothing is waited', async () => {
  const client = clientOf(server);
  server.on('/new-order', (response) =>
    problem(response, 429, 'rateLimited', 'too many certificates', { 'Retry-After': '518400' }),
  );
  const first = await failure(client.newOrder({ names: ['a.example'] }));
  assert.deepEqual([isRateLimited(first), isOutage(first)], [true, false]);
  assert.equal(first.retryAfterMs, 518_400_000);
  assert.match(first.message, /refused a new order for a\.example: too many certificates \(rateLimited\)$/);
  assert.match(first.hint ?? '', /in 144 hours/);
  const at = new Date(Date.now() + 3 * 60 * 60 * 1000);
  server.on('/new-order', (response) =>
    problem(response, 429, 'rateLimited', 'too many', { 'Retry-After': at.toUTCString() }),
  );
  const second = await failure(client.newOrder({ names: ['a.example'] }));
  assert.ok(
    (second.retryAfterMs ?? 0) > 2 * 60 * 60 * 1000 && (second.retryAfterMs ?? 0) <= 3 * 60 * 60 * 1000,
  );
});

test('503 with a page of HTML is an outage, with its Retry-After', async () => {
  server.on('/new-order', (response) =>
    response.writeHead(503, { 'Content-Type': 'text/html', 'Retry-After': '90' }).end('<h1>busy</h1>'),
  );
  const error = await failure(clientOf(server).newOrder({ names: ['a.example'] }));
  assert.deepEqual([isRateLimited(error), isOutage(error)], [false, true]);
  assert.equal(error.status, 503);
  assert.equal(error.retryAfterMs, 90_000);
  assert.doesNotMatch(error.message, /busy/);
});

test('an answer that never comes, or never ends, runs into the timeout', async () => {
  const client = clientOf(server, { timeoutMs: 300 });
  await client.directory();
  for (const begin of [() => {}, (response: ServerResponse) => response.writeHead(201).write('{')]) {
    server.on('/new-order', (response) => void begin(response));
    const error = await failure(client.newOrder({ names: ['a.example'] }));
    assert.equal(error.code, 'timeout');
    assert.ok(isOutage(error));
    assert.match(error.message, /within 300 ms/);
  }
});

test('an abort ends a call with its own reason', async () => {
  const stop = new AbortController();
  server.on('/new-order', () => stop.abort(new Error('enough')));
  const call = clientOf(server).newOrder({ names: ['a.example'] }, { signal: stop.signal });
  await assert.rejects(call, { message: 'enough' });
});

test('what is no ACME is an outage: broken JSON, another noun, another content type, more than 1 MiB', async () => {
  const client = clientOf(server);
  const asJson = { 'Content-Type': 'application/json', Location: `${server.origin}/order/1` };
  const bodies: ReadonlyArray<readonly [Record<string, string>, string, RegExp]> = [
    [asJson, '{"status":', /no ACME/],
    [asJson, '{"status":"done"}', /no ACME/],
    [{ ...asJson, 'Content-Type': 'text/html' }, '<form>log in</form>', /text\/html/],
    [asJson, `"${'x'.repeat(2 * 1024 * 1024)}"`, /more than 1 MiB/],
  ];
  for (const [headers, body, words] of bodies) {
    server.on('/new-order', (response) => response.writeHead(201, headers).end(body));
    const error = await failure(client.newOrder({ names: ['a.example'] }));
    assert.ok(isOutage(error), error.message);
    assert.match(error.message, words);
  }
  server.on('/new-order', (response) => json(response, 201, pending(server.origin)));
  assert.match((await failure(client.newOrder({ names: ['a.example'] }))).message, /did not say where/);
});

test('nobody at the address is an outage; a certificate of somebody else is not', async () => {
  const gone = await startFaultServer();
  await gone.close();
  const away = await failure(clientOf(gone).directory());
  assert.ok(isOutage(away));
  assert.match(away.hint ?? '', /directory answers/);
  const { authority, certificate, key } = await makeServerCertificate('127.0.0.1', []);
  const secure = await startFaultServer({ tls: { certificate, key } });
  try {
    const strange = await failure(clientOf(secure).directory());
    assert.equal(strange.code, 'refused');
    assert.ok(!isOutage(strange));
    assert.deepEqual((await clientOf(secure, { trust: authority }).directory()).profiles, {
      classic: 'as ever',
    });
  } finally {
    await secure.close();
  }
});

test('an HTTPS directory cannot lead to plain HTTP', async () => {
  const { authority, certificate, key } = await makeServerCertificate('127.0.0.1', []);
  const secure = await startFaultServer({
    tls: { certificate, key },
    directory: { newNonce: `${server.origin}/new-nonce` },
  });
  try {
    const seen = server.seen.length;
    const error = await failure(clientOf(secure, { trust: authority }).newOrder({ names: ['a.example'] }));
    assert.match(error.message, /only https/);
    assert.equal(server.seen.length, seen);
  } finally {
    await secure.close();
  }
});

test('a signed request follows no redirect, a read does', async () => {
  server.on('/new-order', (response) => response.writeHead(307, { Location: '/elsewhere' }).end());
  server.on('/elsewhere', () => assert.fail('followed'));
  const error = await failure(clientOf(server).newOrder({ names: ['a.example'] }));
  assert.match(error.message, /redirect/);
  server.on('/moved', (response) => response.writeHead(302, { Location: '/directory' }).end());
  const client = clientOf(server, { directory: `${server.origin}/moved` });
  assert.equal((await client.directory()).newOrder, `${server.origin}/new-order`);
  server.on('/round', (response) => response.writeHead(302, { Location: '/round' }).end());
  await failure(clientOf(server, { directory: `${server.origin}/round` }).directory());
});

test('one nonce is fetched, then each answer brings the next; a refused one is tried again at once, 20 times at the most', async () => {
  const own = await startFaultServer();
  try {
    const client = clientOf(own);
    let refusals = 19;
    own.on('/new-order', (response) => {
      refusals -= 1;
      if (refusals >= 0) problem(response, 400, 'badNonce', 'not that one');
      else json(response, 201, pending(own.origin), { Location: `${own.origin}/order/1` });
    });
    assert.equal((await client.newOrder({ names: ['a.example'] })).url, `${own.origin}/order/1`);
    const posts = own.seen.filter(({ method }) => method === 'POST');
    assert.equal(posts.length, 20);
    assert.equal(new Set(posts.map(({ signed }) => signed?.header.nonce)).size, 20);
    assert.equal(own.seen.filter(({ method }) => method === 'HEAD').length, 1);
    refusals = 1000;
    const error = await failure(client.newOrder({ names: ['a.example'] }));
    assert.equal(error.type, 'urn:ietf:params:acme:error:badNonce');
    assert.equal(own.seen.filter(({ method }) => method === 'POST').length, 40);
  } finally {
    await own.close();
  }
});

test('requests are signed with ES256 over URL and nonce, by the account, or by the key when the account is not known', async () => {
  const own = await startFaultServer();
  try {
    const client = clientOf(own);
    own.on('/order/1', (response) => json(response, 200, pending(own.origin)));
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
      await flattenedVerify(JSON.parse(body), createPublicKey(accountKey));
    }
    const payload = account.signed?.payload as { contact: string[]; externalAccountBinding: never };
    assert.deepEqual(payload.contact, ['mailto:ops@example.com']);
    const bound = await flattenedVerify(payload.externalAccountBinding, new Uint8Array(32).fill(7));
    assert.deepEqual(bound.protectedHeader, { alg: 'HS256', kid: 'k1', url: `${own.origin}/new-account` });
    assert.deepEqual(JSON.parse(Buffer.from(bound.payload).toString()), account.signed?.header.jwk);
  } finally {
    await own.close();
  }
});

test('where a directory has neither renewal information nor profiles, orders name none and there is no window', async () => {
  const own = await startFaultServer({ directory: { renewalInfo: undefined, meta: undefined } });
  try {
    const client = clientOf(own);
    const { certificate } = await makeServerCertificate('127.0.0.1', []);
    assert.equal(await client.renewalInfo(certificate), undefined);
    own.on('/new-order', (response) => json(response, 201, pending(own.origin), { Location: '/order/1' }));
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
  } finally {
    await own.close();
  }
});

test('a certificate that was replaced before is told by its type', async () => {
  server.on('/new-order', (response) => problem(response, 409, 'alreadyReplaced', 'has a successor'));
  const { certificate } = await makeServerCertificate('127.0.0.1', []);
  const error = await failure(clientOf(server).newOrder({ names: ['a.example'], replaces: certificate }));
  assert.ok(isAlreadyReplaced(error));
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
  const error = await failure(clientOf(server).newOrder({ names: ['a.example', 'b.example'] }));
  assert.equal(error.subproblems[0]?.identifier, 'b.example');
  assert.match(error.message, /: no \[31m; b\.example: forbidden by CAA \(rejectedIdentifier\)$/);
});

test('renewal windows: bounds on when to ask again, and one that ends before it begins is none', async () => {
  const { certificate } = await makeServerCertificate('127.0.0.1', []);
  const client = clientOf(server);
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
  assert.ok(isOutage(await failure(client.renewalInfo(certificate))));
});

test('waiting ends at its timeout, with the order left as it is, and when it is aborted', async () => {
  const client = clientOf(server);
  const url = `${server.origin}/order/slow`;
  server.on('/order/slow', (response) =>
    json(response, 200, { ...pending(server.origin), status: 'processing' }, { 'Retry-After': '86400' }),
  );
  const error = await failure(client.waitForOrder(url, ['valid'], { timeoutMs: 200 }));
  assert.equal(error.code, 'timeout');
  const stop = new AbortController();
  const wait = client.waitForOrder(url, ['valid'], { timeoutMs: 60_000, signal: stop.signal });
  stop.abort(new Error('enough'));
  await assert.rejects(wait, { message: 'enough' });
});

test('an order that became invalid says why', async () => {
  const body = {
    ...pending(server.origin),
    status: 'invalid',
    error: { type: 'urn:ietf:params:acme:error:caa', detail: 'CAA says no', status: 403 },
  };
  server.on('/order/2', (response) => json(response, 200, body));
  const error = await failure(
    clientOf(server).waitForOrder(`${server.origin}/order/2`, ['valid'], { timeoutMs: 5_000 }),
  );
  assert.match(error.message, /refused the order for a\.example: CAA says no \(caa\)$/);
  assert.match(error.hint ?? '', /CAA record/);
  assert.equal(error.status, undefined);
});

test('a chain is certificates and nothing else, of the right content type', async () => {
  const { certificate, authority, key } = await makeServerCertificate('127.0.0.1', []);
  const client = clientOf(server);
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
  assert.ok(isOutage(await failure(client.certificate(`${server.origin}/cert/1`))));
  server.on('/cert/1', (response) =>
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(certificate),
  );
  assert.ok(isOutage(await failure(client.certificate(`${server.origin}/cert/1`))));
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
  const { challenges: kept } = await clientOf(server).authorization(`${server.origin}/authz/1`);
  assert.deepEqual(
    kept.map(({ token }) => token),
    ['A'.repeat(43)],
  );
});
