import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeName, encodeUpdate, parseReply, type TsigRecord, withTsig } from './update-message.ts';

const update = {
  id: 0x1234,
  zone: 'example.test',
  action: 'add',
  name: '_acme-challenge.example.test',
  value: 'abc',
} as const;

test('an added TXT record is written as RFC 2136 has it', () => {
  const zone = '076578616d706c65047465737400';
  const expected = [
    `123428000001000000010000${zone}00060001`,
    `0f5f61636d652d6368616c6c656e6765${zone}001000010000003c000403616263`,
  ].join('');
  assert.equal(encodeUpdate(update).toString('hex'), expected);
});

test('a deletion names just that one record: class NONE, no time to live', () => {
  const text = encodeUpdate({ ...update, action: 'delete' }).toString('hex');
  assert.match(text, /001000fe00000000000403616263$/);
});

test('a signed message comes back as it was, with its signature', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(2 ** 40), fc.nat(30), (mac, time, error) => {
      const tsig: TsigRecord = {
        ...{ keyName: 'a-key', algorithm: 'hmac-sha256', time, fudge: 300, originalId: 0x1234, error },
        ...{ mac: Buffer.from(mac), other: Buffer.from([1, 2]) },
      };
      const message = encodeUpdate(update);
      const reply = parseReply(withTsig(message, tsig));
      assert.deepEqual(reply.tsig, tsig);
      assert.deepEqual(reply.unsigned, message);
    }),
  );
});

test('whatever bytes come, reading them ends, with a result or with a RangeError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseReply(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('names that no DNS name can be are refused', () => {
  for (const name of ['a..b', `${'x'.repeat(64)}.test`, Array.from({ length: 60 }, () => 'abcd').join('.')])
    assert.throws(() => encodeName(name), RangeError, name);
  assert.equal(encodeName('A.Test.').toString('hex'), encodeName('a.test').toString('hex'));
  assert.equal(encodeName('').toString('hex'), '00');
});
