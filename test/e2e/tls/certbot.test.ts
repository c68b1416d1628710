import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../../until.ts';
import { orderWithCertbot } from './certbot.ts';
import { callsOf } from './pebble-log.ts';
import { TlsStage } from './stage.ts';

const stage = await TlsStage.open('certbot', { nonceRejects: 0 });
const name = stage.domain('seawall');
const other = stage.domain('certbot');

const certificates = (pem: string): X509Certificate[] =>
  pem
    .split(/(?<=-----END CERTIFICATE-----)/)
    .filter((part) => part.includes('BEGIN'))
    .map((part) => new X509Certificate(part));

/** What two certificates for two names must have in common. */
const kindOf = (pem: string) =>
  certificates(pem).map((certificate) => ({
    key: certificate.publicKey.asymmetricKeyDetails,
    type: certificate.publicKey.asymmetricKeyType,
    uses: certificate.keyUsage,
    isAuthority: certificate.ca,
    names: certificate.subjectAltName?.split(', ').length,
    // Two servers, two CAs.
    subject: certificate.subject?.replace(/ CA [0-9a-f]+$/, ' CA'),
  }));

test('what certbot gets of the same issuer is what Seawall gets, by the same calls in the same order', async (t) => {
  await stage.resolve([other], [stage.guest(5).address]);
  await stage.resolve([name]);
  const certbot = await orderWithCertbot(stage, stage.staging, other, 5);
  const site = stage.project({
    name: 'certbot',
    tls: { issuers: [stage.issuerOf(stage.acme)] },
    routes: { [name]: {} },
  });
  await site.deploy();
  const live = await until('it is there', 120, async () => {
    const found = await stage.catalog.live(name);
    return found !== undefined && !found.isInterim && found;
  });
  const chain = live.keys[0]?.chain ?? '';
  assert.deepEqual(kindOf(chain), kindOf(certbot.chain));
  const [theirs, ours] = [callsOf(await stage.staging.logs()), callsOf(await stage.acme.logs())];
  t.diagnostic(`certbot: ${theirs.join(', ')}`);
  t.diagnostic(`seawall: ${ours.join(', ')}`);
  // From the account on: an earlier run may have left one that this server never saw. How often the authorization and the
  // order are looked at depends on how soon the issuer is done.
  const steps = (calls: readonly string[]): string[] =>
    calls
      .slice(calls.lastIndexOf('POST /sign-me-up'))
      .filter((call) => call.startsWith('POST') && !/authZ|my-order/.test(call));
  assert.deepEqual(steps(ours), steps(theirs));
});
