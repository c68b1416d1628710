import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { element, integer, nameConstraints, parseInteger } from './der.ts';

test('a number comes back as it was, whatever its first bit', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 159n }), (value) => {
      assert.equal(parseInteger(integer(value)), value);
    }),
  );
  assert.equal(Buffer.from(integer(128n)).toString('hex'), '02020080');
  assert.equal(parseInteger(new Uint8Array()), undefined);
});

test('long elements have their length in as many octets as it takes', () => {
  assert.equal(
    Buffer.from(element(4, new Uint8Array(127)))
      .subarray(0, 2)
      .toString('hex'),
    '047f',
  );
  assert.equal(
    Buffer.from(element(4, new Uint8Array(128)))
      .subarray(0, 3)
      .toString('hex'),
    '048180',
  );
  assert.equal(
    Buffer.from(element(4, new Uint8Array(300)))
      .subarray(0, 4)
      .toString('hex'),
    '0482012c',
  );
});

test('name constraints list what is permitted and what is not, and leave out what is empty', () => {
  const name = element(0x82, Buffer.from('a.b'));
  assert.equal(Buffer.from(nameConstraints([name], [])).toString('hex'), '3009a00730058203612e62');
  assert.equal(Buffer.from(nameConstraints([], [name])).toString('hex'), '3009a10730058203612e62');
});
