import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateState, CertificateWish } from '../catalog/tls-record.ts';
import { OrderBudget } from './budget.ts';
import { isPublicIssuer } from './record.ts';
import { DAY_MS, HOUR_MS } from './renewal.ts';
import {
  afterFailure,
  afterSilence,
  afterSuccess,
  hopeful,
  rehearsalWaitEnd,
  withHold,
  withoutRehearsal,
} from './state.ts';

const NOW = Date.parse('2026-03-01T00:00:00Z');
const iso = (ms: number): string => new Date(ms).toISOString();
const state = (more: Partial<CertificateState> = {}): CertificateState => ({
  ...{ id: 'a.test', failures: 2, warnings: [], lastError: { at: iso(NOW), issuer: 'main', text: 'x' } },
  ...more,
});
const wish = (keys: CertificateWish['keys']): CertificateWish => ({
  ...{ id: 'a.test', names: ['a.test'], source: 'acme', issuers: [], challenge: 'http', keys },
});
const validity = { notBefore: NOW, notAfter: NOW + 90 * DAY_MS };
const random = () => 0;

test('success forgets failures and plans the renewal, once every kind of key is there', () => {
  const one = afterSuccess(state(), {
    wish: wish(['ecdsa', 'rsa']),
    keyType: 'ecdsa',
    validity,
    now: NOW,
    random,
  });
  assert.deepEqual(
    [one.failures, one.lastError, one.renewAt, one.renewed],
    [0, undefined, undefined, ['ecdsa']],
  );
  const both = afterSuccess(one, {
    wish: wish(['ecdsa', 'rsa']),
    keyType: 'rsa',
    validity,
    now: NOW,
    random,
  });
  assert.deepEqual([both.renewed, both.renewAt], [undefined, iso(NOW + 60 * DAY_MS)]);
});

test('a certificate that is due as soon as it is there is not renewed at once', () => {
  const success = { wish: wish(['ecdsa']), keyType: 'ecdsa', validity, random } as const;
  const late = afterSuccess(state(), { ...success, now: NOW + 70 * DAY_MS });
  assert.equal(late.nextTryAt, iso(NOW + 71 * DAY_MS));
  const afterAri = afterSuccess(state({ renewReason: 'ari' }), { ...success, now: NOW });
  assert.equal(afterAri.nextTryAt, iso(NOW + 6 * HOUR_MS));
  assert.equal(afterSuccess(state(), { ...success, now: NOW }).nextTryAt, undefined);
});

test('failure counts, keeps an order that may go on and drops one that may not', () => {
  const order = {
    issuer: 'main',
    directory: '',
    isRehearsal: false,
    keyType: 'ecdsa',
    key: '',
    startedAt: '',
  } as const;
  const failure = { isRehearsal: false, issuer: 'main', text: 'no', now: NOW, random: () => 0.5 };
  const kept = afterFailure(state({ order }), { ...failure, dropsOrder: false });
  assert.deepEqual([kept.failures, kept.order, kept.nextTryAt], [3, order, iso(NOW + 6_000_000)]);
  assert.equal(afterFailure(state({ order }), { ...failure, dropsOrder: true }).order, undefined);
});

test('the wait for a rehearsal has one end, is one failure, and begins anew when it was long ago', () => {
  const first = withoutRehearsal(state({ failures: 0 }), NOW);
  assert.equal(rehearsalWaitEnd(first), NOW + HOUR_MS);
  const silence = { name: 'a.test', issuer: 'main', text: 'away', now: NOW, random: () => 0.5 };
  const waits = afterSilence(first, silence);
  assert.deepEqual([waits.failures, waits.nextTryAt], [1, iso(NOW + 60_000)]);
  const later = NOW + HOUR_MS - 1;
  assert.equal(rehearsalWaitEnd(withoutRehearsal(waits, later)), NOW + HOUR_MS);
  const again = afterSilence(waits, { ...silence, now: later, askedMs: 9 * HOUR_MS });
  assert.deepEqual([again.failures, again.nextTryAt], [1, iso(NOW + HOUR_MS)]);
  assert.equal(rehearsalWaitEnd(withoutRehearsal(again, NOW + DAY_MS)), NOW + DAY_MS + HOUR_MS);
  assert.equal(rehearsalWaitEnd(state()), 0);
});

test('holds of issuers that are over are dropped, others stay', () => {
  const before = state({ issuerHolds: { old: iso(NOW - 1), other: iso(NOW + 5) } });
  const after = withHold(before, { directory: 'main', until: NOW + 9, now: NOW });
  assert.deepEqual(after.issuerHolds, { other: iso(NOW + 5), main: iso(NOW + 9) });
});

test('a wish that was written anew ends a back-off, not the pause after a renewal', () => {
  const nextTryAt = iso(NOW + HOUR_MS);
  assert.equal(hopeful(state({ nextTryAt })).nextTryAt, undefined);
  assert.equal(hopeful(state({ nextTryAt, failures: 0 })).nextTryAt, nextTryAt);
});

test('250 orders are made at once, then one every 40 seconds, each directory for itself', () => {
  const budget = new OrderBudget();
  const waits = Array.from({ length: 251 }, () => budget.take('a', NOW));
  assert.deepEqual([waits.filter((ms) => ms === 0).length, waits.at(-1)], [250, 40_000]);
  assert.equal(budget.take('b', NOW), 0);
  assert.equal(budget.take('a', NOW + 40_000), 0);
  assert.ok(budget.take('a', NOW + 40_000) > 0);
});

test('staging directories are not publicly trusted, whatever they are called', () => {
  const directory = 'https://acme-staging-v02.api.letsencrypt.org/directory';
  assert.equal(isPublicIssuer({ name: 'mine', directory }), false);
  assert.equal(isPublicIssuer({ name: 'letsencrypt-staging', directory: 'https://x.test/' }), false);
  assert.equal(
    isPublicIssuer({ name: 'letsencrypt', directory: 'https://acme-v02.api.letsencrypt.org/directory' }),
    true,
  );
});
