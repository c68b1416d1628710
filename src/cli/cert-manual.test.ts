import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateSettings } from '../config/index.ts';
import { chosenCertificate, type IssueOptions } from './cert-manual.ts';

const letsencrypt = {
  name: 'letsencrypt',
  directory: 'https://acme-v02.api.letsencrypt.org/directory',
  staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
};
const own = { name: 'own', directory: 'https://ca.example.net/d', binding: 'hash' };
const settings: CertificateSettings = {
  ...{ source: 'acme', issuers: [letsencrypt, own], challenge: 'http', keys: ['ecdsa'] },
};
const withDns: CertificateSettings = { ...settings, challenge: 'dns', dns: 'hash of the hook' };

test('a certificate by hand has the settings of seawall.yml unless the options say otherwise', async () => {
  assert.deepEqual(
    await chosenCertificate(settings, {}, ['Mail.Shop.org', 'smtp.shop.org', 'mail.shop.org']),
    {
      ...{ id: 'mail.shop.org', names: ['mail.shop.org', 'smtp.shop.org'], source: 'acme' },
      ...{ issuers: [letsencrypt, own], challenge: 'http', keys: ['ecdsa'] },
    },
  );
  const rsa = await chosenCertificate(settings, { issuer: 'own', key: 'both' }, ['db.internal']);
  assert.deepEqual([rsa.issuers, rsa.keys], [[own], ['ecdsa', 'rsa']]);
  const wild = await chosenCertificate(withDns, {}, ['*.shop.org']);
  assert.deepEqual([wild.id, wild.challenge, wild.dns], ['_wildcard.shop.org', 'dns', 'hash of the hook']);
  const internal = await chosenCertificate(withDns, { issuer: 'internal' }, ['db.internal']);
  assert.deepEqual([internal.source, internal.issuers, internal.dns], ['internal', [], undefined]);
  const other = await chosenCertificate(settings, { issuer: 'https://acme.example.org/dir' }, ['a.lan']);
  assert.deepEqual(other.issuers, [{ name: 'acme.example.org', directory: 'https://acme.example.org/dir' }]);
});

const wrong: Record<string, { options?: IssueOptions; names: string[]; message: string }> = {
  'no domain': { names: ['-x; rm'], message: '"-x; rm" is no domain' },
  'a line break': { names: ['a.org\nb.org'], message: '"a.org\nb.org" is no domain' },
  'no issuer': { options: { issuer: 'buypass' }, names: ['a.org'], message: 'there is no issuer "buypass"' },
  'an issuer without TLS': {
    options: { issuer: 'http://ca.example.net/d' },
    names: ['a.org'],
    message: 'there is no issuer "http://ca.example.net/d"',
  },
  'no challenge': { options: { challenge: 'tls' }, names: ['a.org'], message: '--challenge tls is none' },
  'no key': { options: { key: 'dsa' }, names: ['a.org'], message: '--key dsa is no kind of key' },
  'a wildcard by HTTP': {
    options: { challenge: 'http' },
    names: ['*.a.org'],
    message: 'a wildcard cannot be proven by HTTP',
  },
  'a wildcard without a hook': { names: ['*.a.org'], message: 'nothing says how records get into the DNS' },
  'a private name of a public CA': {
    names: ['a.org', 'registry.internal'],
    message: 'no public CA issues certificates for registry.internal',
  },
};

for (const [name, { options = {}, names, message }] of Object.entries(wrong)) {
  test(`${name}: the error says so and what to write`, async () => {
    await assert.rejects(
      chosenCertificate(settings, options, names),
      (error: { code?: string; hint?: string }) => {
        assert.equal(error.code, 'input');
        assert.ok(error.hint);
        assert.equal((error as Error).message, message);
        return true;
      },
    );
  });
}
