import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeRange } from './subnets.ts';

test('the first lab gets the first range of both families', () => {
  assert.deepEqual(freeRange([]), { subnet: '10.99.0.0/24', subnet6: 'fd5e:a3a1:9900::/64' });
});

test('a range that is in use, lies within one in use or contains one is passed over', () => {
  assert.equal(freeRange(['10.99.0.0/24', '10.99.2.0/23']).subnet, '10.99.1.0/24');
  assert.equal(freeRange(['10.99.0.0/25', '10.99.0.128/25', '10.99.1.7/32']).subnet, '10.99.2.0/24');
  assert.equal(freeRange(['fd5e:a3a1:9900::/64', '172.17.0.0/16']).subnet, '10.99.0.0/24');
});

test('when everything is in use the error says what to take down', () => {
  assert.throws(() => freeRange(['10.0.0.0/8']), {
    code: 'refused',
    message: 'Every range for a lab is in use',
  });
});
