import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestCatalog } from '../../../test/test-catalog.ts';
import {
  type CertificateRequest,
  type CertificateState,
  type CertificateWish,
  parseEntry,
} from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { addManual, removeManual } from './manual.ts';
import { askForCertificate } from './request.ts';
import { readWishes } from './wishes.ts';

const id = 'polls.example.com';
const signal = new AbortController().signal;

const wish = (name: string): CertificateWish => ({
  ...{ id: name, names: [name], source: 'internal', issuers: [], challenge: 'http', keys: ['ecdsa'] },
});

test('a request is answered by its own answer, not by one to an earlier request', async (t) => {
  const { client } = await startTestCatalog(t);
  const state: CertificateState = { id, failures: 0, warnings: [] };
  const answer = { request: 'earlier', kind: 'renew', ok: false, text: 'old', at: '' } as const;
  await client.kvPut(KEY.certificateState(id), JSON.stringify({ ...state, answer }));
  const notes: string[] = [];
  const asking = askForCertificate(
    client,
    { id, kind: 'revoke', reason: 1 },
    { signal, note: (text) => notes.push(text) },
  );
  let entry = await client.kvGet(KEY.certificateRequest(id));
  while (entry.value === undefined)
    entry = await client.kvGet(KEY.certificateRequest(id), { index: entry.index, waitMs: 1000 });
  const { request, kind, reason } = parseEntry<CertificateRequest>(entry.value);
  assert.deepEqual([kind, reason], ['revoke', 1]);
  const own = { ...answer, request, ok: true, text: 'revoked' };
  await client.kvPut(KEY.certificateState(id), JSON.stringify({ ...state, answer: own }));
  assert.deepEqual(await asking, own);
  assert.equal(notes[0], 'asked');
});

test("somebody else's open request is not overwritten; one that nobody took for long is", async (t) => {
  const { client } = await startTestCatalog(t);
  const open = { kind: 'renew', request: 'x', by: 'ann', at: new Date().toISOString() };
  await client.kvPut(KEY.certificateRequest(id), JSON.stringify(open));
  await assert.rejects(askForCertificate(client, { id, kind: 'renew' }, { signal, note: () => {} }), {
    code: 'locked',
    message: `a request of ann (renew, since ${open.at}) is still open`,
  });
  await client.kvPut(KEY.certificateRequest(id), JSON.stringify({ ...open, at: '2020-01-01T00:00:00Z' }));
  const stop = new AbortController();
  const asking = askForCertificate(
    client,
    { id, kind: 'renew' },
    { signal: stop.signal, note: () => stop.abort() },
  );
  await assert.rejects(asking);
  const { value } = await client.kvGet(KEY.certificateRequest(id));
  assert.notEqual(value && parseEntry<CertificateRequest>(value).request, 'x');
});

test('a certificate by hand is added once, and refused where a project has it already', async (t) => {
  const { client } = await startTestCatalog(t);
  await client.kvPut(KEY.wish('polls'), JSON.stringify([wish(id)]));
  await assert.rejects(addManual(client, wish(id), signal), {
    code: 'refused',
    message: 'polls.example.com has the certificate that the routes of polls say',
  });
  await addManual(client, wish('b.example.com'), signal);
  await addManual(client, wish('a.example.com'), signal);
  await addManual(client, { ...wish('b.example.com'), keys: ['rsa'] }, signal);
  const there = await readWishes(client, '_manual', signal);
  assert.deepEqual(
    there.map((each) => [each.id, each.keys]),
    [
      ['a.example.com', ['ecdsa']],
      ['b.example.com', ['rsa']],
    ],
  );
  assert.equal(await removeManual(client, 'a.example.com', signal), true);
  assert.equal(await removeManual(client, 'a.example.com', signal), false);
});
