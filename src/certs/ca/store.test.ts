import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Openssl } from '../../../test/openssl.ts';
import { startTestCatalog } from '../../../test/test-catalog.ts';
import type { CatalogClient } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { SEAL } from '../../catalog/tls-record.ts';
import { revocationPem } from '../../revocation-text.ts';
import { unseal } from '../../secrets/index.ts';
import {
  type Authority,
  authorityId,
  authorityTrust,
  ensureAuthority,
  type IssuedCertificate,
  isIssuedBy,
  issueCertificate,
  listIssued,
  readAuthority,
  readRevocationList,
  recordIssued,
  renewRevocationList,
  renewRootList,
  replaceAuthority,
  revokeSerial,
  setRevocationHost,
} from './index.ts';

const clusterKey = Buffer.alloc(32, 7).toString('base64');
const now = Date.now();
const DAY_MS = 86_400_000;

async function give(
  client: CatalogClient,
  authority: Authority,
  name: string,
  at = now,
): Promise<IssuedCertificate> {
  const issued = await issueCertificate(authority, { names: [name], purpose: 'other', now: at });
  await recordIssued(client, authority, issued, { by: 'ann' });
  return issued;
}

test('several who make a CA at once end with one, and whoever reads it later has the same', async (t) => {
  const { client } = await startTestCatalog(t);
  assert.equal(await readAuthority({ client, clusterKey }), undefined);
  const all = await Promise.all([1, 2, 3].map(() => ensureAuthority({ client, clusterKey, now })));
  const ids = new Set(
    [...all, await readAuthority({ client, clusterKey })].map((each) => each && authorityId(each.record)),
  );
  assert.equal(ids.size, 1);
});

test('the catalog holds sealed keys only, each for its own place', async (t) => {
  const { client } = await startTestCatalog(t);
  const { record } = await ensureAuthority({ client, clusterKey, now });
  const text = (await client.kvGet(KEY.authority)).value?.value ?? '';
  assert.doesNotMatch(text, /PRIVATE/);
  assert.match(
    unseal(clusterKey, record.root.key, SEAL.authority('root')).toString(),
    /^-----BEGIN PRIVATE KEY/,
  );
  assert.throws(() => unseal(clusterKey, record.root.key, SEAL.authority('intermediate')), {
    code: 'refused',
  });
  const other = Buffer.alloc(32, 8).toString('base64');
  await assert.rejects(readAuthority({ client, clusterKey: other }), { code: 'refused' });
});

test('a record of a newer version is refused and left as it is', async (t) => {
  const { client } = await startTestCatalog(t);
  const { record } = await ensureAuthority({ client, clusterKey, now });
  const newer = JSON.stringify({ ...record, version: 2, more: true });
  await client.kvPut(KEY.authority, newer);
  const place = { client, clusterKey, now };
  await assert.rejects(readAuthority(place), { code: 'refused', message: /newer version/ });
  await assert.rejects(ensureAuthority(place), { code: 'refused' });
  await assert.rejects(setRevocationHost({ ...place, crlHost: 'x.example' }), { code: 'refused' });
  await assert.rejects(replaceAuthority({ ...place, settings: {}, replaces: authorityId(record) }), {
    code: 'refused',
  });
  assert.equal((await client.kvGet(KEY.authority)).value?.value, newer);
});

test('openssl refuses a certificate once the list says that it is revoked, and takes the others', async (t) => {
  const { client } = await startTestCatalog(t);
  const authority = await ensureAuthority({ client, clusterKey, now });
  const bad = await give(client, authority, 'bad.internal');
  const good = await give(client, authority, 'good.internal');
  const plain = await give(client, authority, 'plain.internal');
  const openssl = await Openssl.make();
  t.after(() => openssl.remove());
  const listFile = async (): Promise<string> => {
    const list = await readRevocationList(client, authority);
    assert.ok(list);
    const pem = await openssl.run('crl', '-inform', 'DER', '-in', await openssl.file(list.der));
    return openssl.file(pem);
  };
  const verdict = async ({ chain }: IssuedCertificate): Promise<string> =>
    openssl.verify(authorityTrust(authority.record), chain, ...['-crl_check', '-CRLfile', await listFile()]);
  const first = await renewRevocationList({ client, authority, now });
  assert.equal(first.number, 1n);
  assert.equal(await verdict(bad), 'OK');
  await revokeSerial({ client, serial: bad.serial, reason: 'key-compromise', now });
  await revokeSerial({ client, serial: plain.serial, now });
  const second = await renewRevocationList({ client, authority, now });
  assert.equal(second.number, 2n);
  assert.deepEqual(second.revoked, [bad.serial, plain.serial].sort());
  assert.match(await verdict(bad), /revoked/);
  assert.match(await verdict(plain), /revoked/);
  assert.equal(await verdict(good), 'OK');
  const text = await openssl.run('crl', '-noout', '-text', '-in', await listFile());
  assert.match(text, /X509v3 CRL Number: \s+2\n/);
  assert.match(text, /Key Compromise/);
  const asn1 = await openssl.run('asn1parse', '-in', await listFile());
  assert.doesNotMatch(asn1, /l= +0 cons: SEQUENCE/);
});

test('the list is renewed when half its life has passed, and not before', async (t) => {
  const { client } = await startTestCatalog(t);
  const authority = await ensureAuthority({ client, clusterKey, now });
  const number = async (at: number) => (await renewRevocationList({ client, authority, now: at })).number;
  assert.equal(await number(now), 1n);
  assert.equal(await number(now + 3 * DAY_MS), 1n);
  assert.equal(await number(now + 4 * DAY_MS), 2n);
  // From the future, as seen by a clock that was set right.
  assert.equal(await number(now - DAY_MS), 3n);
  await client.kvPut(KEY.revocationList, 'no list');
  assert.equal(await number(now), 1n);
});

test('looked at every hour, both lists are renewed long before they end, and the root is opened twice a year', async (t) => {
  const { client } = await startTestCatalog(t);
  const authority = await ensureAuthority({ client, clusterKey, now });
  const numbers = new Set<bigint>();
  let least = Number.POSITIVE_INFINITY;
  for (let hour = 0; hour < 24 * 16; hour += 1) {
    const at = now + hour * 3_600_000;
    const list = await renewRevocationList({ client, authority, now: at });
    numbers.add(list.number);
    least = Math.min(least, list.nextUpdate.getTime() - at);
  }
  assert.ok(least >= 3.5 * DAY_MS - 3_600_000, `${least / DAY_MS} days left`);
  assert.equal(numbers.size, 5);
  const root = async (days: number) =>
    renewRootList({ client, clusterKey, authority, now: now + days * DAY_MS });
  assert.deepEqual(
    [(await root(0)).number, (await root(182)).number, (await root(183)).number, (await root(366)).number],
    [1n, 1n, 2n, 3n],
  );
  // Only who makes a list needs the root's key.
  const other = Buffer.alloc(32, 8).toString('base64');
  const look = { client, clusterKey: other, authority };
  assert.equal((await renewRootList({ ...look, now: now + 367 * DAY_MS })).number, 3n);
  await assert.rejects(renewRootList({ ...look, now: now + 700 * DAY_MS }));
});

test('OpenSSL takes both lists for a whole chain, and refuses what one of them revokes', async (t) => {
  const { client } = await startTestCatalog(t);
  const openssl = await Openssl.make();
  t.after(() => openssl.remove());
  const authority = await ensureAuthority({ client, clusterKey, now });
  const { chain, serial } = await give(client, authority, 'a.internal');
  const verdict = async (): Promise<string> => {
    const { der } = await renewRevocationList({ client, authority, now });
    const root = await renewRootList({ client, clusterKey, authority, now });
    const lists = await openssl.file(`${revocationPem(der)}${revocationPem(root.der)}`);
    const flags = ['-crl_check_all', '-CRLfile', lists];
    return openssl.verify(authorityTrust(authority.record), chain, ...flags);
  };
  assert.equal(await verdict(), 'OK');
  await revokeSerial({ client, serial, now });
  assert.match(await verdict(), /revoked/);
});

test('several who revoke at once have all of it in the list', async (t) => {
  const { client } = await startTestCatalog(t);
  const authority = await ensureAuthority({ client, clusterKey, now });
  const all = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) => give(client, authority, `${name}.internal`)),
  );
  await Promise.all(
    all.map(async ({ serial }) => {
      await revokeSerial({ client, serial, now });
      await renewRevocationList({ client, authority, now });
    }),
  );
  const list = await readRevocationList(client, authority);
  assert.deepEqual(list?.revoked, all.map(({ serial }) => serial).sort());
});

test('a revocation keeps its first time and reason; what was never issued cannot be revoked', async (t) => {
  const { client } = await startTestCatalog(t);
  const authority = await ensureAuthority({ client, clusterKey, now });
  const { serial } = await give(client, authority, 'a.internal');
  const first = await revokeSerial({ client, serial, reason: 'superseded', now });
  assert.deepEqual(await revokeSerial({ client, serial, reason: 'key-compromise', now: now + 1000 }), first);
  assert.deepEqual(await listIssued(client), [first]);
  await assert.rejects(revokeSerial({ client, serial: 'ff', now }), { code: 'input' });
});

test('a revoked certificate leaves the list only a while after its end, and is forgotten later', async (t) => {
  const { client } = await startTestCatalog(t);
  const authority = await ensureAuthority({ client, clusterKey, now });
  const { serial } = await give(client, authority, 'a.internal');
  await revokeSerial({ client, serial, now });
  const at = async (days: number) => {
    const list = await renewRevocationList({ client, authority, now: now + days * DAY_MS });
    return [list.revoked.length, (await listIssued(client)).length];
  };
  assert.deepEqual(await at(0), [1, 1]);
  assert.deepEqual(await at(95), [1, 1]);
  assert.deepEqual(await at(110), [0, 1]);
  assert.deepEqual(await at(125), [0, 0]);
});

test('a new CA in place of the old one shares nothing with it, and is made only once', async (t) => {
  const { client } = await startTestCatalog(t);
  const old = await ensureAuthority({ client, clusterKey, now });
  const { chain, serial } = await give(client, old, 'a.internal');
  await revokeSerial({ client, serial, now });
  await renewRevocationList({ client, authority: old, now });
  const replaces = authorityId(old.record);
  const settings = { permitted: ['example.internal'] };
  const fresh = await replaceAuthority({ client, clusterKey, now, settings, replaces });
  assert.notEqual(authorityId(fresh.record), replaces);
  assert.deepEqual(fresh.record.permitted, ['example.internal']);
  assert.ok(isIssuedBy(old.record, chain));
  assert.ok(!isIssuedBy(fresh.record, chain));
  const list = await renewRevocationList({ client, authority: fresh, now });
  assert.deepEqual(list.revoked, []);
  await assert.rejects(replaceAuthority({ client, clusterKey, now, settings, replaces }), {
    code: 'refused',
  });
});

test('the intermediate is certified again when a CA is asked for in time', async (t) => {
  const { client } = await startTestCatalog(t);
  const first = await ensureAuthority({ client, clusterKey, now });
  const later = now + 3 * 365 * DAY_MS;
  const second = await ensureAuthority({ client, clusterKey, now: later });
  assert.equal(authorityId(second.record), authorityId(first.record));
  assert.notEqual(second.record.intermediate.certificate, first.record.intermediate.certificate);
  assert.deepEqual((await ensureAuthority({ client, clusterKey, now: later })).record, second.record);
});
