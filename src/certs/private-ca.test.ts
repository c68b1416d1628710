import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { startTestCatalog } from '../../test/test-catalog.ts';
import { KEY } from '../catalog/record.ts';
import type { CertificateWish } from '../catalog/tls-record.ts';
import { serviceCertificateId } from '../kept-certificate.ts';
import { Book } from './book.ts';
import { ensureAuthority, listIssued } from './ca/index.ts';
import { decide } from './policy.ts';
import { issueInternal, privateCa } from './private-ca.ts';
import { sameNames } from './wishes.ts';

const clusterKey = Buffer.alloc(32, 7).toString('base64');
const HOUR_MS = 3_600_000;
const id = serviceCertificateId('polls', 'api');
const wish: CertificateWish = {
  ...{ id, names: ['api.polls.internal', 'api'], source: 'internal', issuers: [], challenge: 'http' },
  ...{ keys: ['ecdsa'], purpose: 'upstream' },
};

/** What a leader issues with, at a time that the test sets. */
async function stage(t: TestContext, permitted: readonly string[] = []) {
  const { client } = await startTestCatalog(t);
  const clock = { now: Date.now() };
  const chance = { now: () => clock.now, random: () => 0.5 };
  await ensureAuthority({ client, clusterKey, now: clock.now, settings: { permitted } });
  const book = new Book(client);
  await book.load({});
  const ca = privateCa({ client, clusterKey, chance, by: 'host1' });
  const issue = (wanted: CertificateWish) =>
    issueInternal({ book, clusterKey, chance, ca, log: () => {} }, { wish: wanted, isInterim: false }, {});
  const due = (wanted: CertificateWish) =>
    decide({
      ...{ wishes: [wanted], requests: new Map(), now: clock.now, live: book.live, states: book.states },
      ...{ resting: new Map(), handledFiles: new Map() },
    });
  const shown = () => new X509Certificate(book.live.get(id)?.keys[0]?.chain ?? '');
  return { client, clock, book, issue, due, shown };
}

test('what a service serves with is for its names, by its purpose, and the first one brings the lists', async (t) => {
  const { client, issue, shown } = await stage(t);
  await issue(wish);
  assert.equal(shown().subjectAltName, 'DNS:api.polls.internal, DNS:api');
  const [issued] = await listIssued(client);
  assert.deepEqual([issued?.purpose, issued?.by], ['upstream', 'host1']);
  for (const key of [KEY.revocationList, KEY.rootRevocationList])
    assert.notEqual((await client.kvGet(key)).value, undefined, key);
});

test('single words are left out by a CA that may not issue for them, and then are not lacking', async (t) => {
  const { issue, due, shown, book } = await stage(t, ['internal']);
  await issue(wish);
  assert.equal(shown().subjectAltName, 'DNS:api.polls.internal');
  assert.ok(sameNames(book.live.get(id)?.names, wish.names));
  assert.deepEqual(due(wish).tasks, []);
  await assert.rejects(issue({ ...wish, names: ['api'] }), {
    code: 'refused',
    message: /may not issue for api/,
  });
  await assert.rejects(issue({ ...wish, names: ['api.example.com', 'api'] }), { code: 'refused' });
  // What an edge serves is for all its names or not there.
  const { purpose: _purpose, ...route } = wish;
  await assert.rejects(issue(route), { code: 'refused' });
});

test('it is renewed by itself in time, again and again, however short its life is', async (t) => {
  const { clock, issue, due, shown } = await stage(t);
  for (const [days, least, most] of [
    [1, 0.35, 0.6],
    [90, 0.6, 0.7],
  ] as const) {
    const wanted = { ...wish, id, days };
    await issue(wanted);
    for (let round = 0; round < 3; round += 1) {
      const serial = shown().serialNumber;
      const [from, until] = [Date.parse(shown().validFrom), Date.parse(shown().validTo)];
      assert.ok(Math.abs(until - from - (days * 24 + 1) * HOUR_MS) < HOUR_MS);
      while (due(wanted).tasks.length === 0) {
        const { wakeAt = 0 } = due(wanted);
        assert.ok(wakeAt > clock.now && wakeAt < until);
        clock.now = wakeAt;
      }
      const share = (clock.now - from) / (until - from);
      assert.ok(share > least && share < most, `renewed at ${share} of ${days} days`);
      assert.equal(due(wanted).tasks[0]?.kind, 'internal');
      await issue(wanted);
      assert.notEqual(shown().serialNumber, serial);
    }
  }
});

test('a name that is added is issued for at once, one that is not wished any more goes with the next renewal', async (t) => {
  const { issue, due } = await stage(t);
  await issue(wish);
  const [first = ''] = wish.names;
  assert.deepEqual(due({ ...wish, names: [first] }).tasks, []);
  const [task] = due({ ...wish, names: [first, 'backend.internal'] }).tasks;
  assert.deepEqual(task?.kind === 'internal' ? task.why : task?.kind, 'names');
  // What an edge serves is for exactly what its routes say.
  const { purpose: _purpose, ...route } = wish;
  assert.equal(due({ ...route, names: [first] }).tasks.length, 1);
});
