import assert from 'node:assert/strict';
import { test } from 'node:test';
import { main, makeScene, other, real, rehearsed, stateWith } from '../../test/certs-scene.ts';
import type { FakeAcme } from '../../test/fake-acme.ts';
import { AcmeClient } from './acme/index.ts';
import { HOUR_MS } from './renewal.ts';
import type { CertificatesOptions } from './watch.ts';

/** Like the fake CA, but nobody listens at the staging directory: the client's own errors, not made ones. */
const withoutStaging =
  (ca: FakeAcme): CertificatesOptions['connect'] =>
  (account) =>
    account.directory === rehearsed.staging
      ? new AcmeClient({ ...account, directory: 'https://127.0.0.1:1/dir', userAgent: 'seawall/test' })
      : ca.connect(account);

test('a staging directory that is away is waited for, an hour at the most, before the CA is asked without', async (t) => {
  const { stage, ca, clock, lead } = await makeScene(t, [rehearsed]);
  const id = 'a.test';
  const beganAt = clock.now;
  const end = new Date(beganAt + HOUR_MS).toISOString();
  await stage.wish({ names: [id] });
  lead({ connect: withoutStaging(ca) });
  let attempts = 0;
  while (clock.now < beganAt + HOUR_MS) {
    const state = await stateWith(stage, id, ({ nextTryAt = '' }) => Date.parse(nextTryAt) > clock.now);
    attempts += 1;
    assert.equal(state.failures, 1);
    assert.match(state.lastError?.text ?? '', /^rehearsal: .*127\.0\.0\.1:1/);
    assert.match(
      state.lastError?.hint ?? '',
      new RegExp(`until ${end.slice(0, 10)} ${end.slice(11, 16)} UTC`),
    );
    assert.equal((await stage.live(id))?.isInterim, true);
    assert.deepEqual(ca.orders, []);
    clock.now = Date.parse(state.nextTryAt ?? '');
  }
  assert.equal(clock.now, beganAt + HOUR_MS);
  assert.ok(attempts >= 6 && attempts <= 12, `${attempts} attempts`);
  await real(stage, id);
  const after = await stateWith(stage, id, ({ renewAt }) => renewAt !== undefined);
  assert.deepEqual([after.failures, after.lastError, after.rehearsalAwaySince], [0, undefined, undefined]);
  assert.deepEqual(
    ca.orders.map(({ directory }) => directory),
    [main.directory],
  );
});

test('while one issuer cannot rehearse, the next one that does not is asked; a renewal by hand waits for nobody', async (t) => {
  const { stage, ca, lead } = await makeScene(t, [rehearsed, other]);
  await stage.wish({ names: ['a.test'] });
  await stage.wish({ names: ['b.test'], issuers: [rehearsed] }, 'shop');
  lead({ connect: withoutStaging(ca) });
  assert.equal((await real(stage, 'a.test')).issuer, 'other');
  await stateWith(stage, 'b.test', ({ failures }) => failures === 1);
  assert.equal((await stage.live('b.test'))?.isInterim, true);
  const { answer } = await stage.ask('b.test', { kind: 'renew' });
  assert.equal(answer?.ok, true, answer?.text);
  assert.equal((await stage.live('b.test'))?.issuer, 'main');
});
