import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOwner } from './owner.ts';

const users = 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n';
const groups = 'root:x:0:\nstaff:x:50:\n';

for (const [written, owner] of [
  ['', { uid: 0, gid: 0 }],
  ['0', { uid: 0, gid: 0 }],
  ['node', { uid: 1000, gid: 1001 }],
  ['1000', { uid: 1000, gid: 1001 }],
  ['1234', { uid: 1234, gid: 0 }],
  ['1234:50', { uid: 1234, gid: 50 }],
  ['node:staff', { uid: 1000, gid: 50 }],
  ['root:7', { uid: 0, gid: 7 }],
  ['nobody', undefined],
  ['node:nogroup', undefined],
  ['99999999999', undefined],
  ['-1', undefined],
] as const) {
  test(`user "${written}" of an image`, () => assert.deepEqual(parseOwner(written, users, groups), owner));
}

test('numbers need no file of the image, but for the group that goes with them', () => {
  assert.deepEqual(parseOwner('1234:50', '', ''), { uid: 1234, gid: 50 });
  assert.deepEqual(parseOwner('1234', '', ''), { uid: 1234, gid: 0 });
  assert.equal(parseOwner('node', '', ''), undefined);
});
