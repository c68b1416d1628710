import { type LinkKind, OWN } from '../cluster.ts';
import { hostRange, privateAddress, upgradeAddress } from '../ranges.ts';

/** VXLAN network identifier of the link; the same on all hosts. */
const VNI = 77;
/** Bytes that VXLAN over IPv4 adds to a packet: Ethernet 14, VXLAN 8, UDP 8, IPv4 20 (RFC 7348 section 5). */
const VXLAN_OVERHEAD = 50;
/** Bytes that WireGuard over IPv4 adds: IPv4 20, UDP 8, its own 32 (WireGuard paper section 5.4.6, data messages). */
const WIREGUARD_OVERHEAD = 60;

/** What the link should be. */
export interface LinkWish {
  readonly kind: LinkKind;
  readonly range: string;
  readonly own: LinkEnd;
  /** The other hosts. */
  readonly peers: readonly LinkEnd[];
  /** UDP port of the link. */
  readonly port: number;
  /** WireGuard only: a program in user space does what this host's kernel cannot. */
  readonly isInUserSpace: boolean;
  /** Bytes of the largest packet on the network that carries the link; unused without link. */
  readonly underlayMtu: number;
}

export interface LinkEnd {
  readonly number: number;
  /** IPv4 address of the machine that the link uses. */
  readonly address: string;
  /** WireGuard's, base64. */
  readonly publicKey?: string;
  /** Bytes of the largest packet that passes to it; absent: as many as the link carries. */
  readonly mtu?: number | undefined;
}

/** What `ip` and `bridge` list of the link at present. */
export interface LinkListing {
  readonly device?: {
    readonly kind: string;
    readonly mtu: number;
    readonly up: boolean;
    readonly mac: string;
    /** Of a VXLAN: identifier, port and own address. */
    readonly vxlan?: { readonly id: number; readonly port: number; readonly local: string };
  };
  /** Each with its prefix length. */
  readonly addresses: readonly string[];
  readonly forwarding: readonly { readonly mac: string; readonly to: string }[];
  readonly neighbours: readonly { readonly address: string; readonly mac: string }[];
  /** Routes into the cluster's range. */
  readonly routes: readonly {
    readonly to: string;
    readonly type: 'unicast' | 'unreachable';
    readonly device?: string;
    readonly via?: string;
    readonly source?: string;
    /** Bytes; absent: the device's. */
    readonly mtu?: number;
  }[];
}

/** MAC of a host's end of the link, so that no host has to ask for it: locally administered, `SW`, the number. */
export const linkMac = (number: number): string => `02:53:57:00:00:${number.toString(16).padStart(2, '0')}`;

/** Bytes of the largest packet that fits through the link. */
export function linkMtu({ kind, underlayMtu }: Pick<LinkWish, 'kind' | 'underlayMtu'>): number {
  if (kind === 'none') return 1500;
  return underlayMtu - (kind === 'vxlan' ? VXLAN_OVERHEAD : WIREGUARD_OVERHEAD);
}

/** Kind of the device, as `ip` calls it. In user space it is a TUN device that `seawall-link` makes and keeps. */
export function deviceKind({ kind, isInUserSpace }: Pick<LinkWish, 'kind' | 'isInUserSpace'>): string {
  if (kind === 'none') return 'bridge';
  return kind === 'wireguard' && isInUserSpace ? 'tun' : kind;
}

/** The commands (`ip …`, `bridge …`) that make the link what it should be; none when it is. */
export function planLink(wish: LinkWish, listing: LinkListing): string[][] {
  const fits = isRightDevice(wish, listing);
  // A device of another kind takes its addresses, entries and routes with it.
  const blank = { addresses: [], forwarding: [], neighbours: [] };
  const routes = listing.routes.filter((route) => route.device !== OWN.link);
  const present = fits ? listing : { ...listing, ...blank, routes };
  return [
    ...(fits ? [] : replaceDevice(wish, listing)),
    ...mtuCommands(wish, fits ? listing.device?.mtu : undefined),
    ...addressCommands(wish, present),
    ...forwardingCommands(wish, present),
    ...neighbourCommands(wish, present),
    ...(fits && listing.device?.up === true ? [] : [['ip', 'link', 'set', 'dev', OWN.link, 'up']]),
    ...routeCommands(wish, present),
  ];
}

/** Whether the device can stay; one that cannot is replaced. */
export function isRightDevice(wish: LinkWish, { device }: LinkListing): boolean {
  const { kind, own, port } = wish;
  if (device === undefined || device.kind !== deviceKind(wish)) return false;
  if (kind === 'wireguard') return true;
  if (device.mac !== linkMac(own.number)) return false;
  const { vxlan } = device;
  return kind === 'none' || (vxlan?.id === VNI && vxlan.port === port && vxlan.local === own.address);
}

function replaceDevice(wish: LinkWish, { device }: LinkListing): string[][] {
  const { kind, own, port } = wish;
  const remove = device === undefined ? [] : [['ip', 'link', 'del', 'dev', OWN.link]];
  const add = ['ip', 'link', 'add', OWN.link];
  const typed = [...add, 'address', linkMac(own.number), 'type'];
  const vxlan = ['vxlan', 'id', String(VNI), 'dstport', String(port), 'local', own.address, 'nolearning'];
  return [
    ...remove,
    kind === 'wireguard'
      ? [...add, 'type', deviceKind(wish)]
      : [...typed, ...(kind === 'none' ? ['bridge'] : vxlan)],
    // No IPv6 address of its own: nothing of the private network is reachable over IPv6.
    ['ip', 'link', 'set', 'dev', OWN.link, 'addrgenmode', 'none'],
  ];
}

function mtuCommands(wish: LinkWish, present: number | undefined): string[][] {
  const mtu = linkMtu(wish);
  return present === mtu ? [] : [['ip', 'link', 'set', 'dev', OWN.link, 'mtu', String(mtu)]];
}

function addressCommands(
  { range, own }: LinkWish,
  { addresses }: Pick<LinkListing, 'addresses'>,
): string[][] {
  const wanted = [`${privateAddress(range, own.number)}/32`, `${upgradeAddress(range, own.number)}/32`];
  return [
    ...wanted
      .filter((one) => !addresses.includes(one))
      .map((one) => ['ip', 'addr', 'add', one, 'dev', OWN.link]),
    ...addresses
      .filter((one) => !wanted.includes(one))
      .map((one) => ['ip', 'addr', 'del', one, 'dev', OWN.link]),
  ];
}

const linked = (wish: LinkWish): readonly LinkEnd[] => (wish.kind === 'none' ? [] : wish.peers);
/** Peers by MAC address; WireGuard knows no such addresses. */
const bridged = (wish: LinkWish): readonly LinkEnd[] => (wish.kind === 'vxlan' ? wish.peers : []);

function forwardingCommands(wish: LinkWish, { forwarding }: Pick<LinkListing, 'forwarding'>): string[][] {
  const command = (verb: string, mac: string, to: string) => [
    'bridge',
    'fdb',
    verb,
    mac,
    'dev',
    OWN.link,
    'dst',
    to,
    'self',
    'permanent',
  ];
  const wanted = bridged(wish).map((peer) => ({ mac: linkMac(peer.number), to: peer.address }));
  const isIn = (list: readonly { mac: string; to: string }[], one: { mac: string; to: string }) =>
    list.some((other) => other.mac === one.mac && other.to === one.to);
  // A bridge without ports has entries of its own, which have no destination and are not listed here.
  return [
    ...forwarding.filter((one) => !isIn(wanted, one)).map(({ mac, to }) => command('del', mac, to)),
    ...wanted.filter((one) => !isIn(forwarding, one)).map(({ mac, to }) => command('append', mac, to)),
  ];
}

function neighbourCommands(wish: LinkWish, { neighbours }: Pick<LinkListing, 'neighbours'>): string[][] {
  const wanted = bridged(wish).map((peer) => ({
    address: privateAddress(wish.range, peer.number),
    mac: linkMac(peer.number),
  }));
  const known = (address: string) => wanted.some((one) => one.address === address);
  return [
    ...neighbours
      .filter((one) => !known(one.address))
      .map((one) => ['ip', 'neigh', 'del', one.address, 'dev', OWN.link]),
    ...wanted
      .filter((one) => !neighbours.some((other) => other.address === one.address && other.mac === one.mac))
      .map((one) => [
        'ip',
        'neigh',
        'replace',
        one.address,
        'lladdr',
        one.mac,
        'dev',
        OWN.link,
        'nud',
        'permanent',
      ]),
  ];
}

function routeCommands(wish: LinkWish, { routes }: Pick<LinkListing, 'routes'>): string[][] {
  const source = privateAddress(wish.range, wish.own.number);
  const wanted = linked(wish).map((peer) => ({
    to: hostRange(wish.range, peer.number),
    via: wish.kind === 'vxlan' ? privateAddress(wish.range, peer.number) : undefined,
    mtu: peer.mtu,
  }));
  const present = routes.filter((route) => route.device === OWN.link);
  const hasEnd = routes.some((route) => route.type === 'unreachable' && route.to === wish.range);
  return [
    ...present
      .filter((route) => !wanted.some((one) => one.to === route.to))
      .map((route) => ['ip', 'route', 'del', route.to, 'dev', OWN.link]),
    ...wanted
      .filter(
        ({ to, via, mtu }) =>
          !present.some(
            (route) => route.to === to && route.via === via && route.source === source && route.mtu === mtu,
          ),
      )
      .map(({ to, via, mtu }) => {
        const place = via === undefined ? ['dev', OWN.link] : ['via', via, 'dev', OWN.link, 'onlink'];
        const size = mtu === undefined ? [] : ['mtu', String(mtu)];
        return ['ip', 'route', 'replace', to, ...place, 'src', source, ...size];
      }),
    // What no host has must not leave the machine by its default route.
    ...(hasEnd ? [] : [['ip', 'route', 'replace', 'unreachable', wish.range]]),
  ];
}
