import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  AcmeClient,
  type AcmeClientOptions,
  AcmeError,
  type AcmeOrder,
  dnsValue,
  isAlreadyReplaced,
  isOutage,
  keyAuthorization,
  makeCsr,
  makeKey,
  type OrderWish,
} from '../../src/certs/acme/index.ts';
import { AcmeServer } from './acme-server.ts';

const DAY_S = 24 * 60 * 60;
const EAB_KEY = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';
const wait = { timeoutMs: 60_000 };

let server: AcmeServer;
let accountKey = '';
let client: AcmeClient;

before(async () => {
  server = await AcmeServer.start({
    name: 'acme-test-main',
    nonceRejects: 50,
    alternateRoots: 2,
    profiles: { classic: 90 * DAY_S, shortlived: 6 * DAY_S },
    blocked: ['blocked.test'],
  });
  accountKey = await makeKey('ecdsa');
  client = clientOf(server);
  await client.account({ email: 'ops@example.com' });
});

after(async () => {
  client.close();
  await server.remove();
});

function clientOf(of: AcmeServer, more: Partial<AcmeClientOptions> = {}): AcmeClient {
  return new AcmeClient({
    directory: of.directory,
    trust: of.trust,
    accountKey,
    userAgent: 'seawall/test',
    ...more,
  });
}

/** Answers whatever the order still asks for, by HTTP, or by DNS where it is a wildcard. */
async function prove(by: AcmeClient, order: AcmeOrder, at = server): Promise<void> {
  for (const url of order.authorizations) {
    const { challenges, identifier, wildcard, status } = await by.authorization(url);
    if (status === 'valid') continue;
    const challenge = challenges.find(({ type }) => type === (wildcard ? 'dns-01' : 'http-01'));
    assert.ok(challenge, `no challenge for ${identifier}`);
    const answer = await keyAuthorization(challenge.token, accountKey);
    if (wildcard) await at.addTxt(`_acme-challenge.${identifier}`, dnsValue(answer));
    else await at.answerHttp(challenge.token, answer);
    await by.acceptChallenge(challenge.url);
    await by.waitForAuthorization(url, wait);
  }
}

interface Issued {
  readonly chain: string;
  readonly alternates: readonly string[];
  readonly key: string;
}

async function issue(by: AcmeClient, wish: OrderWish, keyType: 'ecdsa' | 'rsa' = 'ecdsa'): Promise<Issued> {
  const order = await by.newOrder(wish);
  await prove(by, order);
  const ready = await by.waitForOrder(order.url, ['ready'], wait);
  const key = await makeKey(keyType);
  await by.finalize(ready, await makeCsr(wish.names, key));
  const { certificate } = await by.waitForOrder(order.url, ['valid'], wait);
  assert.ok(certificate);
  return { ...(await by.certificate(certificate)), key };
}

const blocks = (chain: string): X509Certificate[] =>
  (chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? []).map(
    (pem) => new X509Certificate(pem),
  );

const daysOf = (leaf: X509Certificate): number =>
  Math.round((Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / (DAY_S * 1000));

test('names get a certificate by HTTP-01, while the server refuses half of all nonces', async () => {
  const { chain, key } = await issue(client, { names: ['a.test', 'b.test'], profile: 'classic' });
  const [leaf, issuer, ...more] = blocks(chain);
  assert.ok(leaf && issuer && more.length === 0);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(key)));
  assert.ok(leaf.checkHost('a.test') && leaf.checkHost('b.test'));
  assert.ok(leaf.verify(issuer.publicKey));
  assert.ok(issuer.verify(new X509Certificate(await server.root()).publicKey));
  assert.equal(daysOf(leaf), 90);
});

test('ten orders side by side share one client', async () => {
  const names = Array.from({ length: 10 }, (_, index) => `side${index}.test`);
  const issued = await Promise.all(names.map((name) => issue(client, { names: [name] })));
  const hosts = issued.map(({ chain }, index) => blocks(chain)[0]?.checkHost(names[index] ?? ''));
  assert.deepEqual(hosts, names);
});

test('the account is found again by its key, and is the same', async () => {
  const again = clientOf(server);
  const { kid } = await again.account({ existingOnly: true });
  assert.deepEqual(await client.account({}), { kid });
  const stranger = clientOf(server, { accountKey: await makeKey('ecdsa') });
  await assert.rejects(stranger.account({ existingOnly: true }), {
    type: 'urn:ietf:params:acme:error:accountDoesNotExist',
  });
});

test('a wildcard and its domain get one certificate, RSA this time, the wildcard by DNS-01', async () => {
  const { chain } = await issue(client, { names: ['*.wild.test', 'wild.test'] }, 'rsa');
  const [leaf] = blocks(chain);
  assert.ok(leaf?.checkHost('anything.wild.test') && leaf.checkHost('wild.test'));
  assert.equal(leaf?.publicKey.asymmetricKeyType, 'rsa');
});

test('an address gets a certificate', async () => {
  const { chain } = await issue(client, { names: ['127.0.0.1'], profile: 'shortlived' });
  assert.ok(blocks(chain)[0]?.checkIP('127.0.0.1'));
});

test('the profile is asked for where the directory has it, and left out where it has not', async () => {
  assert.deepEqual(Object.keys((await client.directory()).profiles).sort(), ['classic', 'shortlived']);
  const [leaf] = blocks((await issue(client, { names: ['short.test'], profile: 'shortlived' })).chain);
  assert.ok(leaf);
  assert.equal(daysOf(leaf), 6);
  const order = await client.newOrder({ names: ['short.test'], profile: 'unheard-of' });
  assert.ok(['classic', 'shortlived'].includes(order.profile ?? ''));
});

test('alternate chains lead from the same leaf to the other roots', async () => {
  const { chain, alternates } = await issue(client, { names: ['chains.test'] });
  assert.equal(alternates.length, 2);
  for (const [index, url] of alternates.entries()) {
    const other = await client.certificate(url);
    assert.equal(blocks(other.chain)[0]?.fingerprint256, blocks(chain)[0]?.fingerprint256);
    const root = new X509Certificate(await server.root(index + 1));
    assert.ok(blocks(other.chain).at(-1)?.verify(root.publicKey));
  }
});

test('renewal information says when, and the new order names what it replaces, once', async () => {
  const names = ['renew.test'];
  const first = await issue(client, { names, profile: 'classic' });
  const usual = await client.renewalInfo(first.chain);
  assert.ok(usual && Date.parse(usual.start) > Date.now() && usual.askAgainMs > 60_000);
  const window = { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00Z' };
  await server.setRenewalInfo(first.chain, window);
  const now = await client.renewalInfo(first.chain);
  assert.equal(now?.start, '2026-01-01T00:00:00.000Z');
  assert.equal(now.end, '2026-01-02T00:00:00.000Z');
  await issue(client, { names, replaces: first.chain });
  const again = await client.newOrder({ names, replaces: first.chain }).catch((error: unknown) => error);
  assert.ok(isAlreadyReplaced(again));
});

test('a challenge that fails says of which name, by which challenge and why', async () => {
  const order = await client.newOrder({ names: ['wrong.test'] });
  const [url = ''] = order.authorizations;
  const { challenges } = await client.authorization(url);
  const challenge = challenges.find(({ type }) => type === 'http-01');
  assert.ok(challenge);
  await server.answerHttp(challenge.token, 'something else');
  await client.acceptChallenge(challenge.url);
  const error = await client.waitForAuthorization(url, wait).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof AcmeError && error.code === 'refused');
  assert.match(
    error.message,
    /refused wrong\.test \(http-01\): .*something else.*\((unauthorized|incorrectResponse)\)$/,
  );
  assert.match(error.hint ?? '', /edge/);
  await assert.rejects(client.waitForOrder(order.url, ['ready'], wait), { code: 'refused' });
});

test('a name that nobody answers for, and one that the CA does not take', async () => {
  await server.setAddresses('closed.test', ['127.0.0.99']);
  const order = await client.newOrder({ names: ['closed.test'] });
  const [url = ''] = order.authorizations;
  const { challenges } = await client.authorization(url);
  await client.acceptChallenge(challenges.find(({ type }) => type === 'http-01')?.url ?? '');
  await assert.rejects(client.waitForAuthorization(url, wait), {
    type: 'urn:ietf:params:acme:error:connection',
    message: /closed\.test \(http-01\)/,
  });
  await assert.rejects(client.newOrder({ names: ['blocked.test'] }), {
    type: 'urn:ietf:params:acme:error:rejectedIdentifier',
  });
});

test('revocation with the account key, twice', async () => {
  const { chain } = await issue(client, { names: ['revoke.test'] });
  await client.revoke(chain, 4);
  await client.revoke(chain, 4);
  const { Status, Reason } = await server.status(new X509Certificate(chain).serialNumber);
  assert.deepEqual({ Status, Reason }, { Status: 'Revoked', Reason: 4 });
});

test('the account gets a new key: it works from then on, the old one does not', async () => {
  const own = clientOf(server, { accountKey: await makeKey('ecdsa') });
  const { kid } = await own.account({});
  const oldKey = await makeKey('ecdsa');
  await own.rollKey(oldKey);
  const newKey = await makeKey('ecdsa');
  await own.rollKey(newKey);
  assert.equal((await own.newOrder({ names: ['rolled.test'] })).status, 'pending');
  assert.deepEqual(await clientOf(server, { accountKey: newKey }).account({ existingOnly: true }), { kid });
  await assert.rejects(clientOf(server, { accountKey: oldKey }).account({ existingOnly: true }), {
    type: 'urn:ietf:params:acme:error:accountDoesNotExist',
  });
  const known = clientOf(server, { accountKey: oldKey, kid });
  await assert.rejects(known.newOrder({ names: ['rolled.test'] }), { code: 'refused' });
});

test('an order is gone on with by another client that has only its URL and the keys', async () => {
  const { url } = await client.newOrder({ names: ['resumed.test'] });
  const { kid } = await client.account({});
  const other = clientOf(server, { kid });
  const order = await other.order(url);
  await prove(other, order);
  const third = clientOf(server, { kid });
  const ready = await third.waitForOrder(url, ['ready'], wait);
  await third.finalize(ready, await makeCsr(ready.names, await makeKey('ecdsa')));
  const { certificate = '' } = await clientOf(server, { kid }).waitForOrder(url, ['valid'], wait);
  assert.match((await client.certificate(certificate)).chain, /^-----BEGIN CERTIFICATE-----/);
});

test('a directory that wants an external account binding gets it, and refuses a wrong one', async () => {
  const bound = await AcmeServer.start({ name: 'acme-test-bound', bindings: { 'kid-1': EAB_KEY } });
  try {
    const own = clientOf(bound);
    assert.equal((await own.directory()).externalAccountRequired, true);
    await assert.rejects(own.account({}), {
      type: 'urn:ietf:params:acme:error:externalAccountRequired',
      hint: /external account binding/,
    });
    const wrong = { keyId: 'kid-1', key: Buffer.alloc(48, 1).toString('base64url') };
    await assert.rejects(own.account({ binding: wrong }), { code: 'refused' });
    assert.match((await own.account({ binding: { keyId: 'kid-1', key: EAB_KEY } })).kid, /^https:/);
  } finally {
    await bound.remove();
  }
});

test('a valid authorization is used again: the next order is ready at once', async () => {
  const generous = await AcmeServer.start({ name: 'acme-test-reuse', authorizationReuse: 100 });
  try {
    const own = clientOf(generous);
    await own.account({});
    const first = await own.newOrder({ names: ['again.test'] });
    await prove(own, first, generous);
    const second = await own.newOrder({ names: ['again.test'] });
    assert.deepEqual(second.authorizations, first.authorizations);
    assert.equal((await own.waitForOrder(second.url, ['ready'], wait)).status, 'ready');
  } finally {
    await generous.remove();
  }
});

test('a CA that hangs or is gone is an outage, and is used again when it is back', async () => {
  const frail = await AcmeServer.start({ name: 'acme-test-frail' });
  try {
    const own = clientOf(frail, { timeoutMs: 1_000 });
    await own.account({});
    await frail.freeze();
    assert.ok(isOutage(await own.newOrder({ names: ['frail.test'] }).catch((error: unknown) => error)));
    await frail.thaw();
    const patient = clientOf(frail);
    await patient.account({});
    assert.equal((await patient.newOrder({ names: ['frail.test'] })).status, 'pending');
    await frail.powerOff();
    assert.ok(isOutage(await patient.newOrder({ names: ['frail.test'] }).catch((error: unknown) => error)));
    await frail.powerOn();
    // It lost the account, as Pebble keeps nothing.
    await patient.account({});
    assert.equal((await patient.newOrder({ names: ['frail.test'] })).status, 'pending');
  } finally {
    await frail.remove();
  }
});
