import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACTS, NOW } from '../../../test/certificate-samples.ts';
import { makeRoot } from '../../../test/test-certificates.ts';
import type { RouteRecord } from '../../catalog/record.ts';
import { mutualCertificates, revocationStatus } from './revocation.ts';
import { certificateStatuses } from './status.ts';

const DAY_MS = 86_400_000;
const now = Date.parse('2026-06-01T00:00:00Z');
const standing = (list: number | undefined, root: number | undefined = 300) => {
  const at = (days: number | undefined) => (days === undefined ? undefined : now + days * DAY_MS);
  const { problem, isOver } = revocationStatus({ list: at(list), root: at(root) }, now);
  return [problem, isOver];
};

test('lists that are renewed in time are no trouble', () => {
  for (const days of [7, 3.5, 3.01]) assert.deepEqual(standing(days), [null, false]);
  assert.deepEqual(standing(7, 183), [null, false]);
});

test('one that is late is told days before it ends, one that is over or not there as what it does', () => {
  assert.match(`${standing(2.9)[0]}`, /was not renewed in time; when it ends on 2026-06-03/);
  assert.equal(standing(2.9)[1], false);
  assert.match(`${standing(7, 100)[0]}`, /^the root's revocation list was not renewed in time/);
  assert.match(`${standing(-1)[0]}`, /ended on 2026-05-31: no client certificate of the private CA is taken/);
  assert.equal(standing(-1)[1], true);
  assert.match(`${standing(undefined)[0]}`, /is not there/);
  assert.equal(standing(undefined)[1], true);
  assert.equal(standing(2.9, -1)[1], true);
});

test('domains that take clients of the private CA are those that say so, or name its root in a file', async () => {
  const [root, other] = await Promise.all([makeRoot(), makeRoot()]);
  const route = (certificate: string, clientCa?: string) =>
    ({
      tls: { certificate, redirect: true, hsts: 'off', ...(clientCa === undefined ? {} : { clientCa }) },
    }) as RouteRecord;
  const routes = [
    route('a', 'internal'),
    route('b', `# ours\n${root.certificate}`),
    route('c', other.certificate),
    route('d', 'broken'),
    route('e'),
    { tls: 'off' } as RouteRecord,
  ];
  assert.deepEqual([...mutualCertificates(routes, root.certificate)], ['a', 'b']);
});

test('a domain whose clients are about to be refused is not well, though its certificate is', () => {
  const well = certificateStatuses(FACTS, NOW).find(({ health }) => health === 'ok');
  assert.ok(well);
  const of = (isOver: boolean, id: string) => {
    const revocation = { certificates: new Set([id]), problem: 'late', isOver };
    const found = certificateStatuses({ ...FACTS, revocation }, NOW).find((each) => each.id === well.id);
    return [found?.health, found?.problem];
  };
  assert.deepEqual(of(false, well.id), ['expiring', 'late']);
  assert.deepEqual(of(true, well.id), ['expired', 'late']);
  assert.deepEqual(of(true, 'other'), ['ok', null]);
});

test('a certificate that hosts keep is missing where it does not lie, or the host says why not', () => {
  const [first] = FACTS.live;
  assert.ok(first);
  const wish = { ...{ id: first.id, names: first.names, source: 'internal' as const, issuers: [] } };
  const wishes = {
    polls: [{ ...wish, challenge: 'http' as const, keys: ['ecdsa' as const], purpose: 'upstream' as const }],
  };
  const fingerprint = first.keys[0]?.fingerprint ?? '';
  const of = (kept: object) => {
    const live = [{ ...first, source: 'internal' as const }];
    const [found] = certificateStatuses(
      { ...FACTS, wishes, live, states: [], kept: { app1: { [first.id]: kept as never } } },
      NOW,
    );
    return [found?.health, found?.problem, found?.keptOn];
  };
  const folder = '/var/lib/seawall/certificates/x';
  const keptOn = [{ host: 'app1', folder }];
  assert.deepEqual(of({ folder, fingerprint }), ['ok', null, keptOn]);
  assert.deepEqual(of({ folder, fingerprint: 'old' }), [
    'unserved',
    'app1: its agent has not written it yet',
    keptOn,
  ]);
  const [health, problem] = of({ folder, fingerprint, stale: ['polls-api-1'] });
  assert.equal(health, 'unserved');
  assert.match(`${problem}`, /^app1: polls-api-1 serves with the one before/);
  assert.deepEqual(of({ folder, fingerprint, problem: 'disk full' }), [
    'unserved',
    'app1: disk full',
    keptOn,
  ]);
});
