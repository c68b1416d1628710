import { OWN } from '../cluster.ts';
import { hostRange } from '../ranges.ts';
import type { LinkEnd } from './link-plan.ts';

/** What WireGuard should be on a host. */
export interface WireguardWish {
  readonly range: string;
  /** UDP port that this host listens on and the others are reached at. */
  readonly port: number;
  /** Public half of the key that stands in the host's key file. */
  readonly publicKey: string;
  readonly peers: readonly LinkEnd[];
}

/** What `wg show … dump` says, without keys that are secret. */
export interface WireguardListing {
  readonly publicKey: string;
  readonly port: number;
  readonly peers: readonly WireguardPeer[];
}

export interface WireguardPeer {
  readonly publicKey: string;
  /** `ADDRESS:PORT`; empty: not known. */
  readonly endpoint: string;
  /** CIDRs. */
  readonly allowed: readonly string[];
  /** Seconds since the last handshake; absent: there was none. */
  readonly handshakeAge?: number | undefined;
}

/** Seconds between packets that keep a way through NAT open, as wg(8) recommends. */
const KEEPALIVE = '25';
/** Seconds after which a session is dead (REJECT_AFTER_TIME of the WireGuard paper, section 6.1). */
const SESSION_SECONDS = 180;

/**
 * The `wg` commands that make WireGuard what it should be; none when it is. A peer that is heard from another port of
 * its address keeps it; from another address the host's rules would not let it in. The private key stands in no argument: `wg` reads it from `keyFile`.
 */
export function planWireguard(wish: WireguardWish, listing: WireguardListing, keyFile: string): string[][] {
  const set = ['wg', 'set', OWN.link];
  const wanted = wish.peers.flatMap(({ number, address, publicKey }) =>
    publicKey === undefined
      ? []
      : [{ publicKey, endpoint: `${address}:${wish.port}`, range: hostRange(wish.range, number) }],
  );
  const isWanted = ({ publicKey }: WireguardPeer) => wanted.some((peer) => peer.publicKey === publicKey);
  return [
    ...(listing.publicKey === wish.publicKey ? [] : [[...set, 'private-key', keyFile]]),
    ...(listing.port === wish.port ? [] : [[...set, 'listen-port', String(wish.port)]]),
    // First those that leave: a range belongs to one peer at a time.
    ...listing.peers
      .filter((peer) => !isWanted(peer))
      .map(({ publicKey }) => [...set, 'peer', publicKey, 'remove']),
    ...wanted.flatMap(({ publicKey, endpoint, range }) => {
      const present = listing.peers.find((peer) => peer.publicKey === publicKey);
      const isRight = present?.allowed.length === 1 && present.allowed[0] === range;
      const isHeard =
        (present?.handshakeAge ?? Number.POSITIVE_INFINITY) < SESSION_SECONDS &&
        present?.endpoint.split(':')[0] === endpoint.split(':')[0];
      const place = present?.endpoint === endpoint || isHeard ? [] : ['endpoint', endpoint];
      if (isRight && place.length === 0) return [];
      const rest = ['persistent-keepalive', KEEPALIVE, 'allowed-ips', range];
      return [[...set, 'peer', publicKey, ...place, ...rest]];
    }),
  ];
}

/** Reads `wg show INTERFACE dump`. @param now seconds since the epoch, of the machine that printed it */
export function parseWireguard(dump: string, now: number): WireguardListing {
  const [own = [], ...peers] = dump
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  const known = (text: string | undefined) => (text === undefined || text === '(none)' ? '' : text);
  return {
    publicKey: known(own[1]),
    port: Number(own[2]),
    peers: peers.map(([publicKey = '', , endpoint, allowed, handshake = '0']) => ({
      publicKey,
      endpoint: known(endpoint),
      allowed: known(allowed).split(',').filter(Boolean),
      ...(handshake === '0' ? {} : { handshakeAge: now - Number(handshake) }),
    })),
  };
}
