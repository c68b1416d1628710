import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden-file.ts';
import type { IssuedRecord } from '../certs/index.ts';
import type { CertificateStatus } from '../rollout/index.ts';
import { styleFor } from '../style.ts';
import {
  type AuthorityView,
  isDue,
  issuedView,
  type ListsView,
  viewAuthority,
  viewIssue,
  viewIssued,
  viewKeptIssue,
  viewReplacement,
  viewRevocation,
} from './ca-view.ts';

const plain = styleFor(false);
const now = Date.parse('2026-01-31T12:00:00Z');

const authority: AuthorityView = {
  name: 'Example Ltd 4f00aa',
  id: 'aa'.repeat(16),
  fingerprint: '0123456789abcdef'.repeat(4),
  createdAt: '2026-01-01T00:00:00Z',
  rootNotAfter: '2036-01-01T00:00:00Z',
  intermediateNotAfter: '2031-01-01T00:00:00Z',
  permitted: ['10.0.0.0/8', 'example.internal'],
  crlHost: 'www.example.internal',
};

const record = (serial: string, more: Partial<IssuedRecord> = {}): IssuedRecord => ({
  version: 1,
  serial: serial.repeat(16),
  authority: authority.id,
  names: ['registry.internal', '10.0.0.5'],
  purpose: 'other',
  notBefore: '2026-01-31T11:00:00Z',
  notAfter: '2026-05-01T12:00:00Z',
  fingerprint: 'bb'.repeat(16),
  by: 'ann',
  ...more,
});

/** As `cert ls` knows what is renewed by itself. */
const statuses = (
  [
    ['42', { purpose: 'route', keptOn: [] }],
    [
      '48',
      {
        purpose: 'upstream',
        keptOn: [{ host: 'app1', folder: '/var/lib/seawall/certificates/_service.polls.api' }],
      },
    ],
    [
      '49',
      {
        ...{ purpose: 'other', keptOn: [{ host: 'app1', folder: '/etc/registry/tls' }] },
        ...{ health: 'unserved', problem: 'app1: no space left on device' },
      },
    ],
  ] as const
).map(([serial, more]) => ({
  ...{
    id: `_${serial}`,
    serials: [serial.repeat(16)],
    renewAt: '2026-04-01T00:00:00Z',
    health: 'ok',
    problem: null,
  },
  ...more,
})) as unknown as readonly CertificateStatus[];

const issued = [
  record('41'),
  record('42', { names: ['*.example.internal'], purpose: 'route', by: 'host1' }),
  record('43', { revokedAt: '2026-01-31T11:30:00Z', reason: 'key-compromise', by: 'eve\u001b[31m\n' }),
  record('44', { revokedAt: '2026-01-31T11:30:00Z', reason: 'unspecified', names: ['ann@example.internal'] }),
  record('45', { notAfter: '2026-01-31T11:59:59Z' }),
  record('47', {
    notBefore: '2025-11-30T12:00:00Z',
    notAfter: '2026-02-28T12:00:00Z',
    names: ['old.internal'],
  }),
  record('46', { authority: 'cc'.repeat(16), purpose: 'client' }),
  record('48', { purpose: 'upstream', names: ['api.polls.internal', 'api'], by: 'host1' }),
  record('49', { by: 'host1' }),
].map((each) => issuedView(each, authority.id, now, statuses));

const lists: ListsView = {
  nextUpdate: '2026-02-02T12:00:00Z',
  rootNextUpdate: '2026-11-01T12:00:00Z',
  problem: 'the revocation list of the private CA was not renewed in time\u001b[2J',
};

test('what was issued is valid, revoked, expired, or of a CA that was replaced', () => {
  assert.deepEqual(
    issued.map(({ state }) => state),
    ['valid', 'valid', 'revoked', 'revoked', 'expired', 'valid', 'replaced', 'valid', 'valid'],
  );
  assertGolden('cli/ca-ls.txt', viewIssued(authority, { issued, lists }, now, plain));
});

test('without a CA, and without certificates, the next command is named', () => {
  assert.match(viewIssued(undefined, { issued: [] }, now, plain), /seawall ca init/);
  assert.match(viewIssued(authority, { issued: [] }, now, plain), /seawall ca issue/);
});

test('the commands say what they did, where things are, and what to do next', () => {
  const files = {
    certificate: 'certs/registry.internal.crt',
    key: 'certs/registry.internal.key',
    ca: 'certs/ca.crt',
  };
  const keptIssue = {
    ...{ host: 'app1', folder: '/etc/registry/tls', notAfter: '2026-05-01T12:00:00Z' },
    files: { certificate: 'registry.internal.crt', key: 'registry.internal.key', trust: 'ca.crt' },
  };
  const [first] = issued;
  assert.ok(first);
  assertGolden(
    'cli/ca-changes.txt',
    [
      viewAuthority(authority, true, plain),
      viewAuthority({ ...authority, permitted: [], crlHost: null }, false, plain),
      viewIssue(first, files, authority.crlHost, plain),
      viewIssue(first, { ...files, key: null }, null, plain),
      viewKeptIssue(['registry.internal', '10.0.0.5'], [keptIssue], plain),
      viewRevocation(issued.slice(0, 2), plain),
      viewReplacement(authority, 1, plain),
    ].join('----\n'),
  );
});

test('a certificate is to be renewed in the last third of its life, unless that is done or nobody has to', () => {
  const old = issuedView(
    record('51', { notBefore: '2026-01-01T00:00:00Z', notAfter: '2026-04-01T00:00:00Z' }),
    authority.id,
    now,
  );
  const later = issuedView(record('52', { names: [...old.names].reverse() }), authority.id, now);
  const [before, after] = [Date.parse('2026-03-01T23:00:00Z'), Date.parse('2026-03-02T01:00:00Z')];
  assert.equal(isDue(old, [old], before), false);
  assert.equal(isDue(old, [old], after), true);
  assert.equal(isDue(old, [old, later], after), false);
  assert.equal(isDue(old, [old, { ...later, state: 'revoked' }], after), true);
  assert.equal(isDue(old, [old, { ...later, purpose: 'client' }], after), true);
  assert.equal(isDue({ ...old, purpose: 'route' }, [old], after), false);
});
