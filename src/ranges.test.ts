import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  allocateAddress,
  BLOCKS,
  blockSubnet,
  contains,
  dynamicRange,
  gateway,
  hostCapacity,
  hostRange,
  overlaps,
  ownBlock,
  parseCidr,
  privateAddress,
  staticAddresses,
  upgradeAddress,
} from './ranges.ts';

const RANGE = '10.208.0.0/12';
const ranges = fc.constantFrom(RANGE, '10.0.0.0/8', '172.16.0.0/12', '10.99.0.0/16', '192.168.0.0/18');
const places = ranges.chain((range) =>
  fc.record({
    range: fc.constant(range),
    number: fc.integer({ min: 1, max: hostCapacity(range) }),
    block: fc.integer({ min: 1, max: BLOCKS - 1 }),
  }),
);

test('the addresses of the architecture page come out', () => {
  assert.equal(hostRange(RANGE, 1), '10.208.16.0/20');
  assert.equal(privateAddress(RANGE, 1), '10.208.16.1');
  assert.equal(upgradeAddress(RANGE, 1), '10.208.16.2');
  assert.equal(hostRange(RANGE, 255), '10.223.240.0/20');
  assert.equal(blockSubnet(RANGE, 1, 2), '10.208.17.0/25');
  assert.equal(gateway('10.208.17.0/25'), '10.208.17.1');
  assert.equal(dynamicRange('10.208.17.0/25'), '10.208.17.64/26');
  assert.equal(staticAddresses('10.208.17.0/25')[0], '10.208.17.2');
  assert.equal(staticAddresses('10.208.17.0/25').at(-1), '10.208.17.63');
});

test('every block lies in its host, every host in the range, and no two of them overlap', () => {
  fc.assert(
    fc.property(places, places, (one, two) => {
      const subnet = blockSubnet(one.range, one.number, one.block);
      const host = hostRange(one.range, one.number);
      assert.ok(overlaps(host, one.range) && overlaps(subnet, host));
      assert.ok(contains(host, gateway(subnet)) && contains(one.range, gateway(subnet)));
      assert.ok(!overlaps(subnet, ownBlock(one.range, one.number)));
      const same = { ...two, range: one.range };
      if (same.number > hostCapacity(one.range)) return;
      const isSame = same.number === one.number && same.block === one.block;
      assert.equal(overlaps(subnet, blockSubnet(same.range, same.number, same.block)), isSame);
    }),
  );
});

test('replicas, gateway and the addresses that Docker gives out never meet', () => {
  fc.assert(
    fc.property(places, ({ range, number, block }) => {
      const subnet = blockSubnet(range, number, block);
      const addresses = staticAddresses(subnet);
      assert.equal(new Set(addresses).size, 62);
      for (const address of addresses) {
        assert.ok(contains(subnet, address));
        assert.ok(!contains(dynamicRange(subnet), address));
        assert.notEqual(address, gateway(subnet));
      }
    }),
  );
});

test('an address comes back only after all the others were given', () => {
  const subnet = blockSubnet(RANGE, 3, 7);
  let cursor: string | undefined;
  const given: string[] = [];
  for (let index = 0; index < 62; index += 1) {
    cursor = allocateAddress(subnet, new Set(), cursor);
    given.push(cursor);
  }
  assert.deepEqual(given, staticAddresses(subnet));
  assert.equal(allocateAddress(subnet, new Set(), cursor), given[0]);
});

test('a taken address is never given, and a full network is an error that says so', () => {
  const subnet = blockSubnet(RANGE, 3, 7);
  const all = staticAddresses(subnet);
  fc.assert(
    fc.property(fc.subarray(all), fc.option(fc.constantFrom(...all), { nil: undefined }), (taken, cursor) => {
      const set = new Set(taken);
      if (taken.length === all.length) {
        assert.throws(() => allocateAddress(subnet, set, cursor), { code: 'refused' });
        return;
      }
      const address = allocateAddress(subnet, set, cursor);
      assert.ok(all.includes(address) && !set.has(address));
    }),
  );
});

test('a cluster that is too large for its range, and a range that is none, are refused', () => {
  assert.equal(hostCapacity('10.99.0.0/16'), 15);
  assert.throws(() => hostRange('10.99.0.0/16', 16), { code: 'refused' });
  assert.throws(() => hostRange(RANGE, 0), { code: 'refused' });
  for (const text of [
    '10.208.0.0',
    '10.208.0.1/12',
    '10.208.0/12',
    '10.208.0.0/33',
    'fd00::/8',
    '256.0.0.0/8',
    '',
  ]) {
    assert.throws(() => parseCidr(text), { code: 'input' }, text);
  }
});
