import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyToListing, BLANK } from '../../test/link-model.ts';
import { type LinkWish, linkMac, planLink } from './link-plan.ts';

const RANGE = '10.208.0.0/12';
const ends = fc
  .uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 6 })
  .map((numbers) => numbers.map((number) => ({ number, address: `172.16.0.${number}` })));
const wishes: fc.Arbitrary<LinkWish> = fc
  .record({
    ends,
    kind: fc.constantFrom('none' as const, 'vxlan' as const, 'wireguard' as const),
    port: fc.constantFrom(4789, 51_820),
    underlayMtu: fc.constantFrom(1450, 1500, 9000),
  })
  .map(({ ends: [own = { number: 1, address: '172.16.0.1' }, ...peers], kind, port, underlayMtu }) => ({
    kind,
    port,
    isInUserSpace: false,
    range: RANGE,
    own,
    peers,
    underlayMtu,
  }));

test('whatever the link was, the plan makes it what it should be, and then nothing is left to do', () => {
  fc.assert(
    fc.property(wishes, wishes, (before, wish) => {
      const former = applyToListing(BLANK, planLink(before, BLANK));
      const made = applyToListing(former, planLink(wish, former));
      assert.deepEqual(planLink(wish, made), []);
      const fresh = applyToListing(BLANK, planLink(wish, BLANK));
      assert.deepEqual(made.addresses.toSorted(), fresh.addresses.toSorted());
      assert.deepEqual(made.forwarding.toSorted(byText), fresh.forwarding.toSorted(byText));
      assert.deepEqual(made.neighbours.toSorted(byText), fresh.neighbours.toSorted(byText));
      assert.deepEqual(made.routes.toSorted(byText), fresh.routes.toSorted(byText));
    }),
  );
});

test('a peer that leaves takes its entries and its route with it, and the others are not touched', () => {
  const own = { number: 1, address: '172.16.0.1' };
  const peers = [2, 3].map((number) => ({ number, address: `172.16.0.${number}` }));
  const wish = {
    kind: 'vxlan' as const,
    port: 4789,
    isInUserSpace: false,
    range: RANGE,
    own,
    peers,
    underlayMtu: 1500,
  };
  const listing = applyToListing(BLANK, planLink(wish, BLANK));
  assert.deepEqual(planLink({ ...wish, peers: peers.slice(0, 1) }, listing), [
    ['bridge', 'fdb', 'del', linkMac(3), 'dev', 'seawall0', 'dst', '172.16.0.3', 'self', 'permanent'],
    ['ip', 'neigh', 'del', '10.208.48.1', 'dev', 'seawall0'],
    ['ip', 'route', 'del', '10.208.48.0/20', 'dev', 'seawall0'],
  ]);
});

test('a single host gets an empty bridge with both of its addresses', () => {
  const wish = {
    kind: 'none' as const,
    port: 4789,
    isInUserSpace: false,
    range: RANGE,
    own: { number: 1, address: '127.0.0.1' },
    peers: [],
    underlayMtu: 1500,
  };
  assert.deepEqual(
    planLink(wish, BLANK).map((argv) => argv.join(' ')),
    [
      'ip link add seawall0 address 02:53:57:00:00:01 type bridge',
      'ip link set dev seawall0 addrgenmode none',
      'ip link set dev seawall0 mtu 1500',
      'ip addr add 10.208.16.1/32 dev seawall0',
      'ip addr add 10.208.16.2/32 dev seawall0',
      'ip link set dev seawall0 up',
      'ip route replace unreachable 10.208.0.0/12',
    ],
  );
});

test('a host whose address changed is reached at the new one', () => {
  const own = { number: 1, address: '172.16.0.1' };
  const wish = {
    kind: 'vxlan' as const,
    port: 4789,
    isInUserSpace: false,
    range: RANGE,
    own,
    peers: [{ number: 2, address: '172.16.0.2' }],
    underlayMtu: 1500,
  };
  const listing = applyToListing(BLANK, planLink(wish, BLANK));
  const moved = { ...wish, peers: [{ number: 2, address: '172.16.0.99' }] };
  assert.deepEqual(applyToListing(listing, planLink(moved, listing)).forwarding, [
    { mac: linkMac(2), to: '172.16.0.99' },
  ]);
});

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
