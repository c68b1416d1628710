import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStaleReadOnlyMount } from './mount-info.ts';

const root = '1 0 0:1 / / ro,relatime - overlay overlay rw,lowerdir=/a';
const data = (options: string, superOptions: string) =>
  `2 1 0:2 / /var/lib/seawall/catalog ${options},relatime - ext4 /dev/sda1 ${superOptions},data=ordered`;
const folder = '/var/lib/seawall/catalog/epoch-2';

test('a mount that stayed read-only over a file system that writes again is stale', () => {
  assert.equal(isStaleReadOnlyMount([root, data('ro', 'rw')].join('\n'), folder), true);
});

test('a read-only file system, a writable mount, and no mount at all are not', () => {
  assert.equal(isStaleReadOnlyMount([root, data('ro', 'ro')].join('\n'), folder), false);
  assert.equal(isStaleReadOnlyMount([root, data('rw', 'rw')].join('\n'), folder), false);
  assert.equal(isStaleReadOnlyMount('', folder), false);
});

test('the nearest mount counts, of several at one place the last', () => {
  const near = [root, data('ro', 'rw'), data('rw', 'rw')].join('\n');
  assert.equal(isStaleReadOnlyMount(near, folder), false);
  assert.equal(
    isStaleReadOnlyMount([root, data('ro', 'rw')].join('\n'), '/var/lib/seawall/catalog-other'),
    true,
  );
});

test('a place with a blank is known', () => {
  assert.equal(isStaleReadOnlyMount('1 0 0:1 / /a\\040b ro - tmpfs tmpfs rw', '/a b/c'), true);
});
