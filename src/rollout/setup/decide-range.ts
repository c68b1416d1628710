import { OWN } from '../../cluster.ts';
import { SeawallError } from '../../errors.ts';
import { contains, overlaps } from '../../ranges.ts';

/** Addresses that a host uses already. */
export interface Occupied {
  readonly cidr: string;
  /** What uses them, for people. */
  readonly what: string;
}

export interface RangeQuestion {
  /** Of seawall.yml. */
  readonly wish: string | undefined;
  /** Of the cluster that there is. */
  readonly existing: string | undefined;
  /** The machines' addresses, by host. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Of hosts that are in no cluster yet. */
  readonly occupied: Readonly<Record<string, readonly Occupied[]>>;
}

/**
 * In the order in which they are tried: the usual one, the rest of 10.0.0.0/8 where it is used least, and the shared
 * addresses of RFC 6598 for networks that have the whole of 10.0.0.0/8.
 */
const CANDIDATES = [
  ...[208, 192, 224, 176, 160, 144, 128, 112, 96, 80, 64, 48, 32, 16].map((second) => `10.${second}.0.0/12`),
  ...[112, 96, 80, 64].map((second) => `100.${second}.0.0/12`),
];

/**
 * The range of a cluster: the one it has, the one that is asked for, else the first that no host uses.
 * @throws SeawallError `refused` when it collides with something on a host, or the cluster has another one already.
 */
export function decideRange(question: RangeQuestion): string {
  const { wish, existing } = question;
  if (existing !== undefined && wish !== undefined && wish !== existing) {
    throw new SeawallError('refused', `the cluster's range is ${existing}, seawall.yml says ${wish}`, {
      where: 'network.range',
      hint: `Write network: { range: ${existing} }; the range of a cluster stays.`,
    });
  }
  const asked = existing ?? wish;
  const free = CANDIDATES.find((candidate) => collision(candidate, question) === undefined);
  if (asked === undefined && free !== undefined) return free;
  const range = asked ?? CANDIDATES[0] ?? '';
  const found = collision(range, question);
  if (found === undefined) return range;
  const { host, what } = found;
  const other = free === undefined ? 'network: { range: … }' : `network: { range: ${free} }`;
  throw new SeawallError('refused', `the cluster's range ${range} collides with ${what}`, {
    where: host,
    hint:
      existing === undefined
        ? `Write ${other} in seawall.yml, a /12 that no host uses.`
        : `The range of a cluster stays: remove that from ${host}, or leave the host out.`,
  });
}

function collision(
  range: string,
  { addresses, occupied }: RangeQuestion,
): { readonly host: string; readonly what: string } | undefined {
  for (const [host, address] of Object.entries(addresses)) {
    if (contains(range, address)) return { host, what: `the host's own address ${address}` };
  }
  for (const [host, list] of Object.entries(occupied)) {
    const found = list.find(({ cidr }) => overlaps(range, cidr));
    if (found !== undefined) return { host, what: found.what };
  }
  return undefined;
}

/** A route as `ip -j route` lists it; what is read of it. */
export interface ListedRoute {
  readonly dst?: string;
  readonly type?: string;
  readonly dev?: string;
  readonly gateway?: string;
}

/** The addresses that a host's routes lead to, without Seawall's own, loopback and the default. */
export function occupiedByRoutes(routes: readonly ListedRoute[]): Occupied[] {
  return routes.flatMap(({ dst = 'default', type = 'unicast', dev = '', gateway }) => {
    const isOwn = dev === OWN.link || dev.startsWith(OWN.bridgePrefix);
    if (isOwn || dev === 'lo' || !['unicast', 'local', 'blackhole'].includes(type)) return [];
    const cidr = dst.includes('/') ? dst : `${dst}/32`;
    if (!/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(cidr) || cidr.startsWith('127.')) return [];
    const way = [gateway === undefined ? '' : ` via ${gateway}`, dev === '' ? '' : ` dev ${dev}`].join('');
    return [{ cidr, what: type === 'local' ? `the address ${dst} of ${dev}` : `the route ${dst}${way}` }];
  });
}
