import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeawallError } from '../errors.ts';
import { seal, unseal } from './seal.ts';

const key = randomBytes(32).toString('base64');
const refused = (error: unknown): boolean => error instanceof SeawallError && error.code === 'refused';

test('what was sealed comes back, whatever it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (bytes, context) => {
      const plain = Buffer.from(bytes);
      assert.deepEqual(unseal(key, seal(key, plain, context), context), plain);
    }),
  );
  assert.equal(unseal(key, seal(key, 'pä$$', 'a'), 'a').toString(), 'pä$$');
});

test('the same text is sealed differently each time', () => {
  assert.notEqual(seal(key, 'x', 'a'), seal(key, 'x', 'a'));
});

test('any altered character is noticed', () => {
  const sealed = seal(key, 'the password', 'seawall/releases/polls/1');
  for (let at = 0; at < sealed.length; at += 1) {
    const other = sealed[at] === 'A' ? 'B' : 'A';
    const altered = sealed.slice(0, at) + other + sealed.slice(at + 1);
    assert.throws(() => unseal(key, altered, 'seawall/releases/polls/1'), refused, `character ${at}`);
  }
  for (const altered of [
    '',
    'sw1.',
    sealed.slice(0, -1),
    `${sealed}A`,
    `${sealed}\n`,
    sealed.replace('sw1.', 'sw2.'),
  ]) {
    assert.throws(() => unseal(key, altered, 'seawall/releases/polls/1'), refused, altered);
  }
});

test('a sealed text moved to another place, or read with another key, does not open', () => {
  const sealed = seal(key, 'the password', 'seawall/releases/polls/1');
  assert.throws(() => unseal(key, sealed, 'seawall/releases/polls/2'), refused);
  assert.throws(
    () => unseal(randomBytes(32).toString('base64'), sealed, 'seawall/releases/polls/1'),
    refused,
  );
});

test('errors carry neither key nor text', () => {
  const sealed = seal(key, 'the password', 'a');
  for (const attempt of [() => unseal(key, sealed, 'b'), () => seal('c2hvcnQ=', 'the password', 'a')]) {
    assert.throws(attempt, (error: unknown) => {
      const text = JSON.stringify(error, Object.getOwnPropertyNames(error as object));
      return (
        !text.includes('the password') &&
        !text.includes(key) &&
        !text.includes('c2hvcnQ=') &&
        !text.includes(sealed)
      );
    });
  }
});
