import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SEAL } from '../../catalog/index.ts';
import type { DesiredCertificate } from '../../compose/desired.ts';
import { sha256 } from '../../hash.ts';
import { unseal } from '../../secrets/index.ts';
import { openWish, sealWish } from './wishes.ts';

const cluster = { key: randomBytes(32).toString('base64') };
const texts = [
  '{"kind":"webhook","url":"https://h.example"}',
  '{"chain":"c","key":"k"}',
  '{"keyId":"i","key":"k"}',
];
const secrets = Object.fromEntries(texts.map((text) => [sha256(text), text]));
const [dns = '', files = '', binding = ''] = Object.keys(secrets);

const certificate: DesiredCertificate = {
  id: '_wildcard.example.com',
  names: ['*.example.com'],
  source: 'acme',
  issuers: [{ name: 'ca', directory: 'https://ca.example/d', binding }],
  challenge: 'dns',
  keys: ['ecdsa'],
  ...{ dns, files },
};

test('secrets of a wish are sealed, each for its own place, and compare equal with what is desired', () => {
  const wish = sealWish(cluster, certificate, secrets, []);
  const text = JSON.stringify(wish);
  for (const secret of [...texts, ...Object.keys(secrets)]) assert.ok(!text.includes(secret));
  assert.equal(unseal(cluster.key, wish.dns ?? '', SEAL.dns(wish.id)).toString(), texts[0]);
  assert.equal(unseal(cluster.key, wish.files ?? '', SEAL.files(wish.id)).toString(), texts[1]);
  const [issuer] = wish.issuers;
  assert.equal(
    unseal(cluster.key, issuer?.binding ?? '', SEAL.binding('https://ca.example/d')).toString(),
    texts[2],
  );
  assert.deepEqual(openWish(cluster, wish), certificate);
});

test('what did not change is not sealed anew, so that nobody is woken for nothing', () => {
  const wish = sealWish(cluster, certificate, secrets, []);
  assert.deepEqual(sealWish(cluster, certificate, secrets, [wish]), wish);
  const other = 'other';
  const changed = { ...certificate, dns: sha256(other) };
  const again = sealWish(cluster, changed, { ...secrets, [sha256(other)]: other }, [wish]);
  assert.notEqual(again.dns, wish.dns);
  assert.equal(again.files, wish.files);
});

test('what was sealed with another key is like nothing that is desired, so that a deploy writes it anew', () => {
  const stranger = { key: randomBytes(32).toString('base64') };
  const wish = sealWish(stranger, certificate, secrets, []);
  assert.notDeepEqual(openWish(cluster, wish), certificate);
  assert.deepEqual(openWish(cluster, sealWish(cluster, certificate, secrets, [wish])), certificate);
});
