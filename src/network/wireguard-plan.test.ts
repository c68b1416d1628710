import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  parseWireguard,
  planWireguard,
  type WireguardListing,
  type WireguardPeer,
  type WireguardWish,
} from './wireguard-plan.ts';

const KEY_FILE = '/key';
const BLANK: WireguardListing = { publicKey: '', port: 40_000, peers: [] };
const key = (number: number): string => `${'k'.repeat(40)}${String(number).padStart(3, '0')}=`;
const wish = (numbers: readonly number[], port = 51_820): WireguardWish => ({
  range: '10.208.0.0/12',
  port,
  publicKey: key(0),
  peers: numbers.map((number) => ({ number, address: `203.0.113.${number}`, publicKey: key(number) })),
});

/** What `wg` would list after these commands. */
const applyToListing = (listing: WireguardListing, commands: readonly string[][]): WireguardListing =>
  commands.reduce(applyCommand, listing);

function applyCommand(
  now: WireguardListing,
  [, , , what = '', value = '', ...rest]: string[],
): WireguardListing {
  if (what === 'private-key') return { ...now, publicKey: key(0) };
  if (what === 'listen-port') return { ...now, port: Number(value) };
  const others = now.peers.filter(({ publicKey }) => publicKey !== value);
  if (rest.includes('remove')) {
    assert.equal(others.length, now.peers.length - 1, 'only who is there can leave');
    return { ...now, peers: others };
  }
  const after = (word: string) => rest[rest.indexOf(word) + 1] ?? '';
  const former = now.peers.find(({ publicKey }) => publicKey === value);
  const endpoint = rest.includes('endpoint') ? after('endpoint') : (former?.endpoint ?? '');
  const allowed = after('allowed-ips').split(',');
  // The kernel takes a range from whoever had it.
  const left = others.map((peer) => ({
    ...peer,
    allowed: peer.allowed.filter((one) => !allowed.includes(one)),
  }));
  return { ...now, peers: [...left, { ...former, publicKey: value, endpoint, allowed }] };
}

test('whatever WireGuard was, the plan makes it what it should be, and then nothing is left to do', () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 255 }), { maxLength: 6 });
  const port = fc.integer({ min: 1, max: 65_535 });
  fc.assert(
    fc.property(numbers, port, numbers, port, (before, oldPort, after, newPort) => {
      const former = applyToListing(BLANK, planWireguard(wish(before, oldPort), BLANK, KEY_FILE));
      const made = applyToListing(former, planWireguard(wish(after, newPort), former, KEY_FILE));
      assert.deepEqual(planWireguard(wish(after, newPort), made, KEY_FILE), []);
      assert.equal(made.peers.length, after.length);
    }),
  );
});

test('a peer without a key has no place, and no key that is secret stands in a command', () => {
  const { peers, ...rest } = wish([2]);
  const commands = planWireguard(
    { ...rest, peers: [...peers, { number: 3, address: '203.0.113.3' }] },
    BLANK,
    KEY_FILE,
  );
  assert.deepEqual(commands, [
    ['wg', 'set', 'seawall0', 'private-key', KEY_FILE],
    ['wg', 'set', 'seawall0', 'listen-port', '51820'],
    [
      ...['wg', 'set', 'seawall0', 'peer', key(2), 'endpoint', '203.0.113.2:51820'],
      ...['persistent-keepalive', '25', 'allowed-ips', '10.208.32.0/20'],
    ],
  ]);
});

test('a peer that is heard from another port keeps it; one that is silent, or has another address now, is tried there', () => {
  const peer: WireguardPeer = {
    publicKey: key(2),
    endpoint: '203.0.113.2:4000',
    allowed: ['10.208.32.0/20'],
  };
  const listing = (handshakeAge?: number) => ({
    publicKey: key(0),
    port: 51_820,
    peers: [{ ...peer, handshakeAge }],
  });
  assert.deepEqual(planWireguard(wish([2]), listing(20), KEY_FILE), []);
  for (const silent of [undefined, 181]) {
    assert.match(planWireguard(wish([2]), listing(silent), KEY_FILE).join(), /endpoint,203\.0\.113\.2:51820/);
  }
  const moved = { ...wish([2]), peers: [{ number: 2, address: '172.16.0.2', publicKey: key(2) }] };
  assert.match(planWireguard(moved, listing(20), KEY_FILE).join(), /endpoint,172\.16\.0\.2:51820/);
});

test('a range that another key had goes to the new key of that host', () => {
  const moved = { publicKey: key(9), endpoint: '203.0.113.2:51820', allowed: ['10.208.32.0/20'] };
  const commands = planWireguard(wish([2]), { publicKey: key(0), port: 51_820, peers: [moved] }, KEY_FILE);
  assert.deepEqual(commands[0], ['wg', 'set', 'seawall0', 'peer', key(9), 'remove']);
  assert.equal(commands.length, 2);
});

test('what wg prints is understood, with and without peers, keys and handshakes', () => {
  assert.deepEqual(parseWireguard('(none)\t(none)\t0\toff\n', 100), { publicKey: '', port: 0, peers: [] });
  const dump = [
    `SECRET\t${key(0)}\t51820\toff`,
    `${key(2)}\t(none)\t203.0.113.2:51820\t10.208.32.0/20\t90\t1\t2\t25`,
    `${key(3)}\t(none)\t(none)\t(none)\t0\t0\t0\toff`,
  ].join('\n');
  const listing = parseWireguard(`${dump}\n`, 100);
  assert.deepEqual(listing, {
    publicKey: key(0),
    port: 51_820,
    peers: [
      { publicKey: key(2), endpoint: '203.0.113.2:51820', allowed: ['10.208.32.0/20'], handshakeAge: 10 },
      { publicKey: key(3), endpoint: '', allowed: [] },
    ],
  });
  assert.ok(!JSON.stringify(listing).includes('SECRET'));
});
