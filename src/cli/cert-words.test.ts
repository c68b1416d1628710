import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACTS, NOW } from '../../test/certificate-samples.ts';
import { certificateStatuses } from '../rollout/certificates/status.ts';
import { styleFor } from '../style.ts';
import { isOnlyKept, keptWords } from './cert-words.ts';

const plain = styleFor(false);
const statuses = certificateStatuses(FACTS, NOW);
const wordsOf = (id: string): string =>
  statuses
    .filter((status) => status.id === id)
    .flatMap((status) => keptWords(status, plain))
    .join(' ');

test('a certificate that no route names is said to be kept, and a given one what it is good for', () => {
  assert.deepEqual(
    statuses.filter(isOnlyKept).map(({ id }) => id),
    ['given.example.com', 'inner.internal'],
  );
  assert.equal(
    wordsOf('given.example.com'),
    'It is kept, not served: no route has this name. A route of given.example.com is served with it from its first moment, until there is one as its seawall.yml says. To stay with this one: tls: { certificate: FILE, key: FILE }.',
  );
  assert.equal(
    wordsOf('inner.internal'),
    'It is kept and renewed, not served: no route has this name. A route of inner.internal is served with it from its first moment.',
  );
  assert.equal(wordsOf('well.example.com'), '');
});
