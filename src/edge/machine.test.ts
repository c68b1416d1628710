import assert from 'node:assert/strict';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { test } from 'node:test';
import { hasAddresses } from './machine.ts';

const own = Object.values(os.networkInterfaces())
  .flatMap((list) => list ?? [])
  .filter(({ family }) => family === 'IPv4')
  .map(({ address }) => address);

test('all of the addresses have to be there', async () => {
  assert.equal(await hasAddresses(own), true);
  assert.equal(await hasAddresses(['127.0.0.2', '127.0.0.3']), true);
  // RFC 5737: for documentation only.
  assert.equal(await hasAddresses([...own, '192.0.2.1']), false);
});

test('the address of an interface that Node does not list is there', async (t) => {
  const listed = t.mock.method(os, 'networkInterfaces', () => ({}));
  syncBuiltinESMExports();
  t.after(() => {
    listed.mock.restore();
    syncBuiltinESMExports();
  });
  assert.equal(await hasAddresses(own), true);
});
