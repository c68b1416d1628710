import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseIssued } from './ca-revoke.ts';
import type { IssuedState, IssuedView } from './ca-view.ts';

const issued = (serial: string, state: IssuedState, ...names: string[]): IssuedView => ({
  serial,
  authority: 'aa',
  names,
  purpose: 'other',
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2026-04-01T00:00:00Z',
  fingerprint: 'bb',
  by: 'ann',
  state,
  kept: null,
});

const all = [
  issued('4a01', 'valid', 'a.internal', 'b.internal'),
  issued('4a02', 'valid', 'b.internal'),
  issued('4a03', 'revoked', 'b.internal'),
  issued('4a04', 'expired', 'c.internal'),
  issued('4a05', 'valid', 'Ann@example.org'),
];
const chosen = (which: string): string[] => chooseIssued(all, which).map(({ serial }) => serial);

test('a serial number stands for one certificate, however it is written; a name for all that are valid', () => {
  assert.deepEqual(chosen('4a01'), ['4a01']);
  assert.deepEqual(chosen('4A:02'), ['4a02']);
  assert.deepEqual(chosen('B.internal'), ['4a01', '4a02']);
  assert.deepEqual(chosen('ann@example.org'), ['4a05']);
});

test('what is revoked or over already, or unknown, is refused; a near miss is named', () => {
  assert.throws(() => chosen('4a03'), { code: 'input', message: /4a03 is revoked already/ });
  assert.throws(() => chosen('4a04'), { code: 'input', message: /expired/ });
  assert.throws(() => chosen('c.internal'), { code: 'input' });
  assert.throws(() => chosen('a.internl'), { code: 'input', hint: /a\.internal/ });
});
