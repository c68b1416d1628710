import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateLosses, edgeMemory } from './certificate-losses.ts';

const acme = (id: string) => ({ id, source: 'acme' });
const onDisk = (...ids: string[]) =>
  edgeMemory({
    tls: { root: 'PEM', certificates: ids.map((id) => ({ id, source: 'acme', isInterim: false })) },
  });

test('where nothing was served over HTTPS nothing of it is lost', () => {
  assert.deepEqual(certificateLosses({ wished: { polls: [] }, edges: [edgeMemory(undefined)] }), []);
  assert.deepEqual(certificateLosses({ wished: {}, edges: [edgeMemory({ tls: 'no such thing' })] }), []);
});

test('what a lost catalog held is named, with what follows and what the edges still have', () => {
  const wished = {
    shop: ['a.test', 'b.test', 'c.test', 'd.test', 'e.test', '_wildcard.f.test'].map(acme),
    inner: [{ id: 'api.internal', source: 'internal' }],
  };
  const losses = certificateLosses({ wished, edges: [onDisk('a.test', 'b.test'), onDisk('b.test')] });
  assert.match(losses[0] ?? '', /^the private CA .* without limits/);
  assert.match(losses[1] ?? '', /the new root \(seawall ca export\)/);
  assert.equal(
    losses[2],
    'certificates of inner (api.internal): they are made anew; until then the private CA serves',
  );
  assert.equal(
    losses[3],
    "certificates of shop (*.f.test, a.test, b.test, c.test, d.test and 1 more): all are ordered anew, which counts towards the issuer's limits (Let's Encrypt: 5 a week for one set of names); until then, or their end, the edges serve 2 of them from their own disks",
  );
  assert.match(losses[4] ?? '', /^accounts at issuers/);
  assert.match(losses[5] ?? '', /by hand/);
});

test('a private CA is lost also where no release in force wants certificates', () => {
  const losses = certificateLosses({ wished: {}, edges: [onDisk()] });
  assert.equal(losses.length, 3);
  assert.doesNotMatch(losses.join(), /accounts/);
});
