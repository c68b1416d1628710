import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACTS, NOW } from '../../test/certificate-samples.ts';
import { assertGolden } from '../../test/golden-file.ts';
import { certificateStatuses } from '../rollout/certificates/status.ts';
import { isBad } from '../rollout/index.ts';
import { styleFor } from '../style.ts';
import { viewCertificates, viewTrouble } from './cert-view.ts';

const plain = styleFor(false);
const statuses = certificateStatuses(FACTS, NOW);

test('certificates are listed with issuer, expiry and next renewal, and below them what is wrong', () => {
  assertGolden('cli/cert-ls.txt', viewCertificates(statuses, NOW, plain));
});

test('ps says a line of each certificate that is not as it should be', () => {
  assertGolden('cli/cert-trouble.txt', `${viewTrouble(statuses, plain).join('\n')}\n`);
  assert.deepEqual(
    viewTrouble(
      statuses.filter(({ health }) => health === 'ok'),
      plain,
    ),
    [],
  );
});

test('somebody is needed for what failed, is late, over or missing on an edge; not while a first order is under way', () => {
  const bad = statuses.filter(isBad).map(({ id, health }) => `${id} ${health}`);
  assert.deepEqual(bad, [
    'expired.example.com expired',
    'failing.example.com failing',
    'given.example.com expiring',
    'half.example.com unserved',
    'late.example.com expiring',
  ]);
});

test('without HTTPS the listing says how to have it', () => {
  assert.match(viewCertificates([], NOW, plain), /seawall docs routes/);
});

test('a listing takes no command from what a CA said', () => {
  assert.ok(!viewCertificates(statuses, NOW, plain).includes('\u001b'));
});
