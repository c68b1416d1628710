import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { main, makeScene, other, real, rehearsed, stateWith } from '../../test/certs-scene.ts';
import { CLUSTER_KEY, until } from '../../test/certs-stage.ts';
import { FakeAcme, internalError, rateLimited } from '../../test/fake-acme.ts';
import { KEY } from '../catalog/record.ts';
import { type CertificateRecord, SEAL } from '../catalog/tls-record.ts';
import { seal } from '../secrets/index.ts';
import { AcmeClient, AcmeError, makeCsr, makeKey } from './acme/index.ts';
import { authorityId, ensureAuthority, isIssuedBy, replaceAuthority } from './ca/index.ts';
import { KEEP_UNWISHED_MS } from './policy.ts';
import { DAY_MS, HOUR_MS } from './renewal.ts';
import { type CertificatesOptions, DEFAULT_LIMITS } from './watch.ts';

const serial = (record: CertificateRecord | undefined): string => record?.keys[0]?.serial ?? '';

test('a CA that is away for two days in the time of renewal: few attempts, and the certificate serves on', async (t) => {
  const { stage, clock, lead } = await makeScene(t);
  const id = 'a.test';
  // Nobody listens there: the client's own errors, not made ones.
  const away = (account: Parameters<CertificatesOptions['connect']>[0]) =>
    new AcmeClient({ ...account, directory: 'https://127.0.0.1:1/dir', userAgent: 'seawall/test' });
  await stage.wish({ names: [id] });
  const loop = lead();
  const first = await real(stage, id);
  const { renewAt = '' } = await stateWith(stage, id, ({ renewAt }) => renewAt !== undefined);
  await loop.stop();
  const beganAt = Date.parse(renewAt) + 1;
  const waiting = lead({ connect: away });
  let nextAt = beganAt;
  for (let failures = 1; nextAt < beganAt + 2 * DAY_MS; failures += 1) {
    clock.now = nextAt;
    const state = await stateWith(stage, id, (now) => now.failures === failures);
    assert.match(state.lastError?.text ?? '', /127\.0\.0\.1:1/);
    assert.deepEqual(await stage.live(id), first);
    assert.ok(failures <= 6, `${failures} attempts`);
    nextAt = Date.parse(state.nextTryAt ?? '') + 1;
  }
  // The CA is back.
  await waiting.stop();
  clock.now = nextAt;
  lead();
  const next = await until('it is renewed', async () => {
    const record = await stage.live(id);
    return serial(record) === serial(first) ? undefined : record;
  });
  assert.equal(next.publicSince, first.publicSince);
  assert.equal((await stateWith(stage, id, ({ failures }) => failures === 0)).lastError, undefined);
});

test('an issuer that fails over the certificate to be replaced is asked without it at once', async (t) => {
  const { stage, ca, clock, lead } = await makeScene(t);
  const id = 'a.test';
  await stage.wish({ names: [id] });
  lead();
  const first = await real(stage, id);
  const { renewAt = '' } = await stateWith(stage, id, ({ renewAt }) => renewAt !== undefined);
  ca.replacesFault = internalError;
  clock.now = Date.parse(renewAt) + 1;
  await until('it is renewed', async () => {
    const record = await stage.live(id);
    return serial(record) === serial(first) ? undefined : record;
  });
  assert.equal((await stage.state(id))?.failures, 0);
  assert.deepEqual(
    ca.orders.map(({ replaces }) => replaces),
    [false, false],
  );
});

test('a clock that is far ahead orders one certificate, not one after the other, and says so', async (t) => {
  const { stage, ca, clock, lead } = await makeScene(t);
  const trueNow = clock.now;
  const ahead = new FakeAcme(() => trueNow);
  clock.now = trueNow + 100 * DAY_MS;
  await stage.wish({ names: ['a.test'] });
  const loop = lead({ connect: ahead.connect });
  await real(stage, 'a.test');
  const state = await stateWith(
    stage,
    'a.test',
    ({ order, renewAt }) => order === undefined && renewAt !== undefined,
  );
  assert.ok(Date.parse(state.nextTryAt ?? '') > clock.now + HOUR_MS);
  await until('the clock is spoken of', async () => loop.lines.some((line) => /clock is ahead/.test(line)));
  assert.equal(ahead.orders.length, 1);
  assert.equal(ca.orders.length, 0);
});

test('a clock that is behind does not take the new certificate for one that is due', async (t) => {
  const { stage, clock, lead } = await makeScene(t);
  const trueNow = clock.now;
  const right = new FakeAcme(() => trueNow);
  clock.now = trueNow - 3 * DAY_MS;
  await stage.wish({ names: ['a.test'] });
  const loop = lead({ connect: right.connect });
  await real(stage, 'a.test');
  await until('the clock is spoken of', async () => loop.lines.some((line) => /clock is behind/.test(line)));
  assert.equal(right.orders.length, 1);
});

test('Retry-After of one name holds up neither the others nor the next issuer', async (t) => {
  const { stage, ca, clock, lead } = await makeScene(t);
  ca.faults.set('busy.test', () => rateLimited(3 * HOUR_MS));
  await stage.wish({ names: ['busy.test'] });
  await stage.wish({ names: ['free.test'] });
  lead();
  await real(stage, 'free.test');
  const state = await stateWith(stage, 'busy.test', ({ failures }) => failures === 1);
  const until3h = Date.parse(state.issuerHolds?.[main.directory] ?? '') - clock.now;
  assert.ok(until3h >= 3 * HOUR_MS && until3h <= 3.3 * HOUR_MS, `${until3h}`);
  // The back-off of a minute is over, the CA's own time is not.
  ca.faults.clear();
  clock.now += 2 * HOUR_MS;
  await sleep(200);
  assert.equal(ca.orders.filter(({ names }) => names.includes('busy.test')).length, 0);
  clock.now += 2 * HOUR_MS;
  await real(stage, 'busy.test');
});

test('an issuer that limits is followed by the next one in the same attempt', async (t) => {
  const { stage, ca, lead } = await makeScene(t, [main, other]);
  let asked = 0;
  ca.faults.set('a.test', () => {
    asked += 1;
    // The second issuer takes it.
    ca.faults.delete('a.test');
    return rateLimited(HOUR_MS);
  });
  await stage.wish({ names: ['a.test'] });
  lead();
  assert.equal((await real(stage, 'a.test')).issuer, 'other');
  assert.equal(asked, 1);
});

test('two hosts: one leads, the other takes over at once when it ends, and the CA sees one account', async (t) => {
  const { stage, ca, lead } = await makeScene(t);
  await stage.wish({ names: ['a.test'] });
  const loops = [lead(), lead()];
  await real(stage, 'a.test');
  const leading = () => loops.filter(({ lines }) => lines.some((line) => / leads$/.test(line)));
  assert.equal(leading().length, 1);
  await leading()[0]?.stop();
  await stage.wish({ names: ['b.test'] });
  await real(stage, 'b.test');
  assert.equal(leading().length, 2);
  assert.equal(ca.orders.length, 2);
  assert.equal(ca.accounts.length, 1);
});

test('the private CA serves a wish for it and renews it at two thirds of its life', async (t) => {
  const { stage, clock, lead } = await makeScene(t);
  await stage.wish({ names: ['in.test'], source: 'internal', issuers: [], keys: ['ecdsa', 'rsa'] });
  lead();
  const { renewAt = '' } = await stateWith(stage, 'in.test', (state) => state.renewAt !== undefined);
  const first = await real(stage, 'in.test');
  assert.deepEqual([first.source, first.issuer, first.publicSince], ['internal', 'internal', undefined]);
  assert.equal(first.keys.length, 2);
  const before = new Set(first.keys.map((key) => key.serial));
  clock.now = Date.parse(renewAt) + 1;
  const second = await until('it is renewed', async () => {
    const record = await stage.live('in.test');
    return record?.keys.every((key) => !before.has(key.serial)) === true ? record : undefined;
  });
  assert.ok(Date.parse(second.notAfter) > Date.parse(first.notAfter));
});

test('what nobody wishes is kept for a week, found again in that time, and then removed', async (t) => {
  const { stage, ca, clock, lead } = await makeScene(t);
  await stage.wish({ names: ['a.test'] });
  lead();
  const record = await real(stage, 'a.test');
  await stage.client.kvPut(KEY.wish('polls'), '[]');
  await stateWith(stage, 'a.test', ({ unwishedSince }) => unwishedSince !== undefined);
  clock.now += KEEP_UNWISHED_MS / 2;
  await stage.wish({ names: ['a.test'] });
  await stateWith(stage, 'a.test', ({ unwishedSince }) => unwishedSince === undefined);
  assert.deepEqual(await stage.live('a.test'), record);
  assert.equal(ca.orders.length, 1);
  await stage.client.kvPut(KEY.wish('polls'), '[]');
  await stateWith(stage, 'a.test', ({ unwishedSince }) => unwishedSince !== undefined);
  clock.now += KEEP_UNWISHED_MS + 1;
  await until(
    'it is gone',
    async () => (await stage.live('a.test')) === undefined && (await stage.state('a.test')) === undefined,
  );
});

test('given files are served when they are good; when they are not the reason stands in the state', async (t) => {
  const { stage, ca, clock, lead } = await makeScene(t);
  const { chain, key } = await given(ca, clock.now, 'own.test');
  const sealed = (files: unknown, id = 'own.test') =>
    seal(CLUSTER_KEY, JSON.stringify(files), SEAL.files(id));
  const files = { source: 'files', issuers: [] } as const;
  await stage.wish({ names: ['own.test'], ...files, files: sealed({ chain, key }) });
  await stage.wish({ names: ['bad.test'], ...files, files: sealed({ chain, key }, 'bad.test') });
  lead();
  const served = await real(stage, 'own.test');
  assert.deepEqual([served.source, served.publicSince], ['files', undefined]);
  const state = await stateWith(stage, 'bad.test', ({ lastError }) => lastError !== undefined);
  assert.match(state.lastError?.text ?? '', /certificate for bad\.test does not cover bad\.test/);
  await until('the private CA serves meanwhile', async () => (await stage.live('bad.test'))?.isInterim);
});

async function given(ca: FakeAcme, now: number, name: string): Promise<{ chain: string; key: string }> {
  const key = await makeKey('ecdsa');
  return { chain: await ca.sign([name], await makeCsr([name], key), now), key };
}

test('a catalog that is restarted in the midst changes nothing and loses nothing', async (t) => {
  const { stage, ca, lead } = await makeScene(t);
  let isFirst = true;
  await stage.wish({ names: ['a.test'] });
  lead({
    onStep: async (step) => {
      if (step !== 'order kept' || !isFirst) return;
      isFirst = false;
      await stage.catalog.restart();
    },
  });
  const record = await real(stage, 'a.test');
  assert.equal(record.issuer, 'main');
  await stateWith(stage, 'a.test', ({ order }) => order === undefined);
  assert.deepEqual(await stage.answers(), []);
  assert.equal(ca.accounts.length, 1);
});

test('a server that forgot the account gets it again', async (t) => {
  const { stage, ca, lead } = await makeScene(t);
  await stage.wish({ names: ['a.test'] });
  lead();
  await real(stage, 'a.test');
  ca.keys.length = 0;
  await stage.wish({ names: ['b.test'] });
  await real(stage, 'b.test');
  assert.equal(ca.accounts.length, 2);
  assert.equal(ca.accounts[0], ca.accounts[1], 'with the same key');
});

test('a name whose DNS begins to lead to an edge is tried at once; one whose DNS was right all the time waits', async (t) => {
  const { stage, ca, lead } = await makeScene(t);
  const edge = ['172.16.0.10'];
  const dns = new Map<string, readonly string[] | string>([
    ['right.test', edge],
    ['new.test', 'no such name'],
  ]);
  for (const name of dns.keys()) {
    ca.faults.set(
      name,
      () =>
        new AcmeError('refused', 'nobody there', main.directory, { type: 'urn:ietf:params:acme:error:dns' }),
    );
    await stage.wish({ names: [name] });
  }
  const looked: string[] = [];
  const addresses = async (name: string) => {
    looked.push(name);
    return dns.get(name) ?? 'none';
  };
  lead({
    look: { addresses, answer: async () => ({ error: 'not asked' }) },
    limits: { ...DEFAULT_LIMITS, longestWaitMs: 20, lookMs: 20 },
  });
  for (const name of dns.keys()) await stateWith(stage, name, ({ failures }) => failures === 1);
  const twice = async () => [...dns.keys()].every((name) => looked.filter((one) => one === name).length > 2);
  await until('both were looked at again and again', twice);
  ca.faults.clear();
  dns.set('new.test', edge);
  await real(stage, 'new.test');
  assert.equal((await stage.live('right.test'))?.isInterim, true);
});

test('a rehearsal that is asked for and fails says why, and the certificate is as well as before', async (t) => {
  const { stage, ca, lead } = await makeScene(t, [rehearsed]);
  await stage.wish({ names: ['a.test'] });
  lead();
  const record = await real(stage, 'a.test');
  const before = await stateWith(stage, 'a.test', (state) => state.renewAt !== undefined);
  ca.faults.set(
    'a.test',
    () => new AcmeError('refused', 'nobody there', '', { type: 'urn:ietf:params:acme:error:dns' }),
  );
  const after = await stage.ask('a.test', { kind: 'rehearse' });
  assert.equal(after.answer?.ok, false);
  assert.match(after.answer?.text ?? '', /rehearsal: nobody there/);
  assert.deepEqual({ ...after, answer: undefined }, { ...before, answer: undefined });
  assert.deepEqual(await stage.live('a.test'), record);
});

test('what the private CA may not issue stands in the state', async (t) => {
  const { stage, clock, lead } = await makeScene(t);
  const settings = { permitted: ['example.internal'] };
  await ensureAuthority({ client: stage.client, clusterKey: CLUSTER_KEY, now: clock.now, settings });
  await stage.wish({ names: ['a.test'], source: 'internal', issuers: [] });
  lead();
  const state = await stateWith(stage, 'a.test', ({ lastError }) => lastError !== undefined);
  assert.match(state.lastError?.text ?? '', /may not issue for a\.test/);
});

test('what a private CA issued that was replaced is issued anew by the one that is there', async (t) => {
  const { stage, clock, lead } = await makeScene(t);
  await stage.wish({ names: ['in.test'], source: 'internal', issuers: [] });
  const first = lead();
  const before = await real(stage, 'in.test');
  await stateWith(stage, 'in.test', ({ renewAt }) => renewAt !== undefined);
  await first.stop();
  const place = { client: stage.client, clusterKey: CLUSTER_KEY, now: clock.now };
  const { record } = await ensureAuthority(place);
  await replaceAuthority({ ...place, settings: {}, replaces: authorityId(record) });
  lead();
  const after = await until('it is issued anew', async () => {
    const now = await stage.live('in.test');
    return serial(now) === serial(before) ? undefined : now;
  });
  assert.equal(isIssuedBy((await ensureAuthority(place)).record, after.keys[0]?.chain ?? ''), true);
});

test('a leader that is told to end in the midst of an order leaves it, answers and all, to the next one', async (t) => {
  const { stage, ca, lead } = await makeScene(t);
  await stage.wish({ names: ['a.test'] });
  const reached = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const first = lead({
    onStep: (step) => {
      if (step !== 'answers in force') return;
      reached.resolve();
      return go.promise;
    },
  });
  await reached.promise;
  const stopped = first.stop();
  go.resolve();
  await stopped;
  assert.equal((await stage.answers()).length, 1);
  lead();
  await real(stage, 'a.test');
  await stateWith(stage, 'a.test', ({ order }) => order === undefined);
  assert.deepEqual(await stage.answers(), []);
  assert.equal(ca.orders.length, 1, 'the same order');
});
