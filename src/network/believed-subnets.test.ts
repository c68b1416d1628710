import assert from 'node:assert/strict';
import { test } from 'node:test';
import { believedSubnets } from './believed-subnets.ts';

const blocks = { 1: { project: 'shop', network: 'default', internal: false } };
const own = { host: 'h1', blocks };
const other = { host: 'h2', blocks };

test('a catalog that lost the subnets of this host takes no rules away', () => {
  const before = [own, other];
  assert.equal(believedSubnets([], before, 'h1'), before);
  assert.equal(believedSubnets([other], before, 'h1'), before);
});

test('what the catalog says of this host and of others is believed', () => {
  const emptied = [{ host: 'h1', blocks: {} }];
  assert.equal(believedSubnets(emptied, [own, other], 'h1'), emptied);
  assert.deepEqual(believedSubnets([own], [own, other], 'h1'), [own]);
  assert.deepEqual(believedSubnets([other], [], 'h1'), [other]);
  assert.deepEqual(believedSubnets([other], emptied, 'h1'), [other]);
});
