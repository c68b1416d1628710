import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestCatalog } from '../../../test/test-catalog.ts';
import type { CertificateRecord, CertificateWish, KeptAcknowledgement } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { sha256 } from '../../hash.ts';
import { type KeptCertificate, SERVICE_FILES, serviceCertificateId } from '../../kept-certificate.ts';
import { canonicalJson } from '../../plan/index.ts';
import { awaitKept, withNamesOf } from './keep.ts';

const id = serviceCertificateId('polls', 'api');
const wish: CertificateWish = {
  ...{ id, names: ['b.internal', 'c.internal'], source: 'internal', issuers: [], challenge: 'http' },
  ...{ keys: ['ecdsa'], purpose: 'upstream' },
};
const kept: KeptCertificate = {
  ...{ version: 1, id, folder: `/var/lib/seawall/certificates/${id}`, files: SERVICE_FILES },
  ...{ uid: 1000, gid: 1000, replaces: true },
};
const settings = sha256(`${canonicalJson(kept)}\n`);

test('until the routes are published the certificate is for the names before as well, the new first', () => {
  const before = { ...wish, names: ['a.internal', 'b.internal'] };
  const bridged = withNamesOf(wish, before);
  assert.deepEqual(bridged.names, ['b.internal', 'c.internal', 'a.internal']);
  assert.deepEqual(withNamesOf(wish, bridged), bridged);
  assert.deepEqual(withNamesOf(wish, undefined), wish);
});

test('a deploy goes on when the certificate lies there as it is wished now, and not before', async (t) => {
  const { client } = await startTestCatalog(t);
  const put = (key: string, value: unknown) => client.kvPut(key, JSON.stringify(value));
  const ack = (own: KeptAcknowledgement[string]) => put(KEY.keptAck('app1'), { [id]: own });
  const live = (names: readonly string[], fingerprint: string) =>
    put(KEY.liveCertificate(id), { id, names, keys: [{ fingerprint }] } as unknown as CertificateRecord);
  const notes: string[] = [];
  let isDone = false;
  const note = (text: string): void => {
    if (notes.at(-1) !== text) notes.push(text);
  };
  const noted = async (what: RegExp) => {
    const end = performance.now() + 10_000;
    while (!what.test(notes.at(-1) ?? '')) {
      if (performance.now() > end) assert.fail(`${what}: ${notes.join('; ')}`);
      await sleep(10);
    }
    assert.equal(isDone, false);
  };
  const { signal } = new AbortController();
  const waiting = awaitKept({ client, host: 'app1', wish, kept, signal, note }).then((record) => {
    isDone = true;
    return record;
  });
  await noted(/the private CA has not issued it yet/);
  await put(KEY.certificateState(id), {
    id,
    failures: 1,
    warnings: [],
    lastError: { text: 'may not issue for c' },
  });
  await noted(/may not issue for c/);
  await live(['a.internal'], 'f0');
  await ack({ folder: kept.folder, fingerprint: 'f0', settings });
  await noted(/may not issue for c/);
  await live(wish.names, 'f1');
  await noted(/the agent has not written it yet/);
  await ack({ folder: kept.folder, fingerprint: 'f1', settings: 'of an earlier file' });
  await ack({ folder: kept.folder, fingerprint: 'f1', settings, problem: 'disk full' });
  await noted(/disk full/);
  await ack({ folder: kept.folder, fingerprint: 'f1', settings });
  assert.deepEqual((await waiting).names, wish.names);
});

test('what the agent cannot do ends the wait of a person soon, with its reason', async (t) => {
  const { client } = await startTestCatalog(t);
  await client.kvPut(
    KEY.liveCertificate(id),
    JSON.stringify({ id, names: wish.names, keys: [{ fingerprint: 'f' }] }),
  );
  await client.kvPut(
    KEY.keptAck('app1'),
    JSON.stringify({ [id]: { folder: '', problem: 'ca.crt is there already' } }),
  );
  const { signal } = new AbortController();
  await assert.rejects(
    awaitKept({ client, host: 'app1', wish, kept, signal, note: () => {}, isImpatient: true }),
    { code: 'refused', message: /does not lie on app1: ca\.crt is there already/ },
  );
});
