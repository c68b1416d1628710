import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { FakeAcme } from '../../test/fake-acme.ts';
import { SeawallError } from '../errors.ts';
import { makeCsr, makeKey } from './acme/index.ts';
import { readLeaf } from './leaf.ts';

let chain = '';
let key = '';

before(async () => {
  const names = ['a.test', '*.b.test'];
  key = await makeKey('ecdsa');
  chain = await new FakeAcme(Date.now).sign(names, await makeCsr(names, key), Date.now());
});

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SeawallError && error.code === 'refused');
  assert.match(error.message, pattern);
  assert.doesNotMatch(JSON.stringify(error, Object.getOwnPropertyNames(error)), /PRIVATE/);
  return true;
};

test('a chain that fits is read: kind, serial number and fingerprint in lower case, times', () => {
  const leaf = readLeaf('a.test', chain, key, ['a.test', 'www.b.test', '*.b.test']);
  assert.equal(leaf.type, 'ecdsa');
  assert.match(leaf.serial, /^[0-9a-f]{32}$/);
  assert.match(leaf.fingerprint, /^[0-9a-f]{32}$/);
  assert.ok(leaf.notAfter > leaf.notBefore);
});

test('names that are not covered are named; a wildcard covers one label and no other wildcard', () => {
  for (const name of ['c.test', 'b.test', 'x.y.b.test', '*.a.test'])
    assert.throws(
      () => readLeaf('a.test', chain, key, [name]),
      refused(new RegExp(`does not cover ${name.replace('*', '\\*')}`)),
    );
});

test('a key of another certificate, no key, a torn chain and no certificate are refused, and nothing of a key is said', async () => {
  const other = await makeKey('ecdsa');
  assert.throws(() => readLeaf('a.test', chain, other, []), refused(/does not belong to its key/));
  assert.throws(
    () => readLeaf('a.test', chain, '-----BEGIN PRIVATE KEY-----\nx\n', []),
    refused(/key that cannot be read/),
  );
  const [leaf = '', issuer = ''] = chain.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  assert.throws(() => readLeaf('a.test', `${issuer}\n${leaf}`, key, []), refused(/is no chain/));
  assert.throws(() => readLeaf('a.test', 'nothing', key, []), refused(/holds no certificate/));
  assert.throws(
    () => readLeaf('a.test', chain.replace(/\n[A-Za-z0-9+/]{10}/, '\n!!!!!!!!!!'), key, []),
    refused(/cannot be read/),
  );
});
