import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { CATALOG_TLS_NAME } from '../cluster.ts';
import { makeCatalogCertificate } from './certificate.ts';

test('the catalog certificate is for the catalog name only, for 20 years, with its own key', async () => {
  const made = await makeCatalogCertificate(new Date('2025-03-01T00:00:00Z'));
  const certificate = new X509Certificate(made.certificate);
  assert.equal(certificate.checkHost(CATALOG_TLS_NAME), CATALOG_TLS_NAME);
  assert.equal(certificate.checkHost('example.com'), undefined);
  assert.equal(certificate.ca, false);
  assert.equal(new Date(certificate.validTo).getUTCFullYear(), 2045);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(made.privateKey)));
  assert.ok(made.token.length >= 43);
  assert.notEqual(made.token, (await makeCatalogCertificate()).token);
});
