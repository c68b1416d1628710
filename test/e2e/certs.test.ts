import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, type TestContext, test } from 'node:test';
import { KEY } from '../../src/catalog/record.ts';
import { type CertificateRecord, type IssuerRecord, SEAL } from '../../src/catalog/tls-record.ts';
import { ORDER_STEPS } from '../../src/certs/index.ts';
import { seal, unseal } from '../../src/secrets/index.ts';
import { CLUSTER_KEY, makeStage, type Stage, until } from '../certs-stage.ts';
import { AcmeServer } from './acme-server.ts';
import { freePorts } from './free-ports.ts';

const DAY_S = 24 * 60 * 60;
let pebble: AcmeServer;
let staging: AcmeServer;
let port = 0;

before(async () => {
  [port = 0] = await freePorts(1);
  const common = { validationPort: port, nonceRejects: 15, retryAfterS: 0 };
  pebble = await AcmeServer.start({
    ...{ name: 'loop-test-pebble', ...common, authorizationReuse: 50 },
    profiles: { classic: 90 * DAY_S, shortlived: 6 * DAY_S },
    blocked: ['blocked.test'],
  });
  staging = await AcmeServer.start({ name: 'loop-test-staging', ...common });
});

after(async () => {
  await pebble?.remove();
  await staging?.remove();
});

const issuer = (more: Partial<IssuerRecord> = {}): IssuerRecord => ({
  ...{ name: 'pebble', directory: pebble.directory, trust: pebble.trust, email: 'ops@example.test' },
  ...more,
});

/** Both Pebbles' own HTTPS is trusted. */
const withStaging = (): IssuerRecord =>
  issuer({ staging: staging.directory, trust: `${pebble.trust}\n${staging.trust}` });

const stageOf = (t: TestContext, issuers: readonly IssuerRecord[]): Promise<Stage> =>
  makeStage(t, { port, issuers });

const isReal = (record: CertificateRecord | undefined): record is CertificateRecord =>
  record !== undefined && !record.isInterim && record.source === 'acme';

const realOf = (stage: Stage, id: string): Promise<CertificateRecord> =>
  until(`${id} has its certificate`, async () => {
    const record = await stage.live(id);
    return isReal(record) ? record : undefined;
  });

const leaf = (record: CertificateRecord, at = 0): X509Certificate =>
  new X509Certificate(record.keys[at]?.chain ?? '');

test('a wished name is served by the private CA at once, rehearsed, then issued by the CA, and nothing lies about', async (t) => {
  const stage = await stageOf(t, [withStaging()]);
  await stage.edge('edge1');
  await stage.edge('edge2');
  await stage.wish({ names: ['a.test', 'www.a.test'] });
  const order: string[] = [];
  const loop = stage.lead({ onStep: (step, { isRehearsal }) => void order.push(`${isRehearsal} ${step}`) });
  const interim = await until('something is served', () => stage.live('a.test'));
  assert.equal(interim.isInterim, true);
  assert.equal(interim.issuer, 'internal');
  assert.equal(interim.publicSince, undefined);
  const record = await realOf(stage, 'a.test');
  assert.equal(record.issuer, 'pebble');
  assert.ok(record.publicSince);
  const [key] = record.keys;
  assert.ok(key);
  assert.ok(leaf(record).checkHost('www.a.test'));
  assert.equal(key.serial, leaf(record).serialNumber.toLowerCase());
  assert.match(unseal(CLUSTER_KEY, key.key, SEAL.key('a.test')).toString(), /BEGIN PRIVATE KEY/);
  assert.equal(key.chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
  const state = await until('the state is settled', async () => {
    const now = await stage.state('a.test');
    return now?.ari === undefined ? undefined : now;
  });
  assert.equal(state.order, undefined);
  assert.equal(state.renewReason, 'ari');
  assert.deepEqual(state.rehearsedNames, ['a.test', 'www.a.test']);
  assert.deepEqual(await stage.answers(), []);
  assert.ok(order.indexOf('true downloaded') < order.indexOf('false order made'), order.join(', '));
  assert.match(await staging.logs(), /Issued certificate/);
  await loop.stop();
  assert.ok(
    loop.lines.some((line) => /^info certs: a\.test: issued by pebble/.test(line)),
    loop.lines.join('\n'),
  );
});

test('renewal information of the CA renews at once, and the new order names what it replaces', async (t) => {
  const stage = await stageOf(t, [issuer()]);
  await stage.edge('edge1');
  await stage.wish({ names: ['ari.test'] });
  stage.lead();
  const first = await realOf(stage, 'ari.test');
  const window = { start: '2020-01-01T00:00:00Z', end: '2020-01-02T00:00:00Z' };
  await pebble.setRenewalInfo(leaf(first).toString(), window);
  await until('the renewal was asked about', async () => (await stage.state('ari.test'))?.ari);
  // The next question is hours away: the day is brought forward.
  const state = await stage.state('ari.test');
  const soon = { ...state, ari: { ...state?.ari, askAt: '2020-01-01T00:00:00Z' } };
  await stage.client.kvPut(KEY.certificateState('ari.test'), JSON.stringify(soon));
  await stage.catalog.restart();
  const { value } = await stage.client.kvGet(KEY.certificateLeader);
  if (value?.session !== undefined) await stage.client.sessionDestroy(value.session);
  const second = await until('another certificate is served', async () => {
    const record = await stage.live('ari.test');
    return record?.keys[0]?.serial === first.keys[0]?.serial ? undefined : record;
  });
  assert.equal(second.publicSince, first.publicSince, 'HSTS goes on');
  assert.notEqual(second.keys[0]?.key, first.keys[0]?.key);
});

test('the short-lived profile, both kinds of key at once, and a request for renewal', async (t) => {
  const stage = await stageOf(t, [issuer({ profile: 'shortlived' })]);
  await stage.edge('edge1');
  await stage.wish({ names: ['short.test'], keys: ['ecdsa', 'rsa'] });
  stage.lead();
  const record = await until('both kinds are served', async () => {
    const now = await stage.live('short.test');
    return isReal(now) && now.keys.length === 2 ? now : undefined;
  });
  assert.deepEqual(
    record.keys.map(({ type }) => type),
    ['ecdsa', 'rsa'],
  );
  assert.deepEqual(
    [0, 1].map((at) => leaf(record, at).publicKey.asymmetricKeyType),
    ['ec', 'rsa'],
  );
  const lifeMs = Date.parse(record.notAfter) - Date.parse(record.notBefore);
  assert.ok(lifeMs <= 6 * DAY_S * 1000 && lifeMs > 5 * DAY_S * 1000);
  const { answer } = await stage.ask('short.test', { kind: 'renew' });
  assert.equal(answer?.ok, true, answer?.text);
  const renewed = await stage.live('short.test');
  assert.equal(renewed?.keys.length, 2);
  for (const at of [0, 1]) assert.notEqual(renewed?.keys[at]?.serial, record.keys[at]?.serial);
  assert.equal((await stage.client.kvGet(KEY.certificateRequest('short.test'))).value, undefined);
});

test('a rehearsal that is asked for changes nothing that is served; without a staging directory it says so', async (t) => {
  const stage = await stageOf(t, [withStaging()]);
  await stage.edge('edge1');
  await stage.wish({ names: ['dry.test'] });
  await stage.wish({ names: ['bare.test'], issuers: [issuer()] });
  stage.lead();
  const before = await realOf(stage, 'dry.test');
  const { answer } = await stage.ask('dry.test', { kind: 'rehearse' });
  assert.equal(answer?.ok, true, answer?.text);
  assert.match(answer?.text ?? '', /rehearsed on .*would issue it/);
  assert.deepEqual(await stage.live('dry.test'), before);
  const { answer: other } = await stage.ask('bare.test', { kind: 'rehearse' });
  assert.equal(other?.ok, false);
  assert.match(other?.text ?? '', /no issuer of bare\.test has a staging directory/);
});

test('a revoked certificate is known as such at the CA and replaced at once', async (t) => {
  const stage = await stageOf(t, [issuer()]);
  await stage.edge('edge1');
  await stage.wish({ names: ['leak.test'] });
  stage.lead();
  const before = await realOf(stage, 'leak.test');
  const { answer } = await stage.ask('leak.test', { kind: 'revoke', reason: 1 });
  assert.equal(answer?.ok, true, answer?.text);
  const serial = before.keys[0]?.serial ?? '';
  assert.deepEqual((await pebble.status(serial)).Status, 'Revoked');
  const next = await stage.live('leak.test');
  assert.notEqual(next?.keys[0]?.serial, serial);
  assert.equal((await pebble.status(next?.keys[0]?.serial ?? '')).Status, 'Valid');
});

test('an account gets a new key, and the next order is signed with it', async (t) => {
  const stage = await stageOf(t, [issuer()]);
  await stage.edge('edge1');
  await stage.wish({ names: ['account.test'] });
  stage.lead();
  await realOf(stage, 'account.test');
  const accounts = async () => (await stage.client.kvList('seawall/acme/accounts/')).value;
  const before = await accounts();
  const { answer } = await stage.ask('account.test', { kind: 'roll-account' });
  assert.equal(answer?.ok, true, answer?.text);
  assert.notDeepEqual(await accounts(), before);
  assert.equal((await accounts()).length, before.length);
  await stage.wish({ names: ['account-next.test'] });
  await realOf(stage, 'account-next.test');
});

test('names that another issuer has to give: the first one refuses them, the second is asked in the same attempt', async (t) => {
  const second = { name: 'second', directory: staging.directory, trust: staging.trust };
  const stage = await stageOf(t, [issuer(), second]);
  await stage.edge('edge1');
  await stage.wish({ names: ['blocked.test'] });
  stage.lead();
  assert.equal((await realOf(stage, 'blocked.test')).issuer, 'second');
});

test('a name that cannot be proven waits with the reason, and only the edges that live are waited for', async (t) => {
  const stage = await stageOf(t, [issuer()]);
  await stage.edge('edge1');
  const dead = await stage.edge('edge2');
  await dead.die();
  await pebble.setAddresses('elsewhere.test', ['127.0.0.9']);
  await stage.wish({ names: ['elsewhere.test'] });
  stage.lead({
    look: {
      addresses: async () => ['127.0.0.9'],
      answer: async () => ({ error: 'connect ECONNREFUSED 127.0.0.9:80' }),
    },
  });
  const state = await until('the failure is noted', async () => {
    const now = await stage.state('elsewhere.test');
    return now?.lastError === undefined ? undefined : now;
  });
  assert.equal(state.failures, 1);
  assert.match(state.lastError?.text ?? '', /elsewhere\.test/);
  const waitMs = Date.parse(state.nextTryAt ?? '') - Date.parse(state.lastError?.at ?? '');
  assert.ok(waitMs >= 54_000 && waitMs <= 66_000, `${waitMs}`);
  assert.ok(
    state.warnings.some((text) => /edge edge2 did not/.test(text)),
    state.warnings.join('\n'),
  );
  assert.ok(
    state.warnings.some((text) => /does not answer from here/.test(text)),
    state.warnings.join('\n'),
  );
  assert.equal((await stage.live('elsewhere.test'))?.isInterim, true, 'the private CA serves on');
  assert.deepEqual(await stage.answers(), []);
  // Mended and deployed again: nobody waits for the back-off.
  await pebble.clearAddresses('elsewhere.test');
  await stage.wish({
    names: ['elsewhere.test'],
    challenge: 'http',
    issuers: [issuer({ email: 'new@example.test' })],
  });
  await realOf(stage, 'elsewhere.test');
});

test('a CA that is not asked when no edge takes the answer up', async (t) => {
  const stage = await stageOf(t, [issuer()]);
  const edge = await stage.edge('edge1');
  edge.freeze();
  await stage.wish({ names: ['frozen.test'] });
  stage.lead();
  const state = await until('the failure is noted', async () => {
    const now = await stage.state('frozen.test');
    return now?.lastError === undefined ? undefined : now;
  });
  assert.match(state.lastError?.text ?? '', /no edge took up the challenge's answer within 5 s/);
});

test('external account binding: the account is made with it, once, whoever leads', async (t) => {
  const key = Buffer.alloc(32, 3).toString('base64url');
  const bound = await AcmeServer.start({
    ...{ name: 'loop-test-bound', validationPort: port, retryAfterS: 0, bindings: { 'kid-1': key } },
  });
  t.after(() => bound.remove());
  const { directory, trust } = bound;
  const binding = seal(CLUSTER_KEY, JSON.stringify({ keyId: 'kid-1', key }), SEAL.binding(directory));
  const stage = await stageOf(t, [{ name: 'bound', directory, trust, binding }]);
  await stage.edge('edge1');
  await stage.wish({ names: ['bound.test'] });
  const first = stage.lead();
  await realOf(stage, 'bound.test');
  await first.stop();
  const { value } = await stage.client.kvList('seawall/acme/accounts/');
  await stage.wish({ names: ['bound2.test'] });
  stage.lead();
  await realOf(stage, 'bound2.test');
  assert.deepEqual((await stage.client.kvList('seawall/acme/accounts/')).value, value);
  assert.doesNotMatch(value[0]?.value ?? '', /PRIVATE/);
});

for (const isRehearsal of [false, true]) {
  for (const step of ORDER_STEPS.filter((name) => !isRehearsal || name !== 'served')) {
    const what = isRehearsal ? 'rehearsal' : 'order';
    test(`the leader dies in an ${what} after "${step}": the next one ends with one certificate and nothing lies about`, async (t) => {
      const stage = await stageOf(t, [isRehearsal ? withStaging() : issuer()]);
      await stage.edge('edge1');
      const name = `${what}-${ORDER_STEPS.indexOf(step)}.test`;
      await stage.wish({ names: [name, `www.${name}`] });
      const reached = Promise.withResolvers<void>();
      const first = stage.lead({
        onStep: (at, about) => {
          if (at !== step || about.isRehearsal !== isRehearsal) return;
          reached.resolve();
          return new Promise(() => undefined);
        },
      });
      await reached.promise;
      await first.kill();
      stage.lead();
      const record = await realOf(stage, name);
      await until('the state is settled', async () => {
        const state = await stage.state(name);
        return state?.order === undefined && state?.renewAt !== undefined;
      });
      assert.equal(record.keys.length, 1);
      assert.deepEqual(await stage.answers(), []);
      assert.equal((await stage.client.kvList(KEY.liveCertificates)).value.length, 1);
      assert.equal((await stage.client.kvList('seawall/acme/accounts/')).value.length, isRehearsal ? 2 : 1);
      assert.equal((await stage.state(name))?.failures, 0);
    });
  }
}
