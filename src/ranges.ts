import { SeawallError } from './errors.ts';

/** Prefix lengths of docs/architecture.md: a host owns a /20, each network of a project a /25 in it. */
const HOST_PREFIX = 20;
const BLOCK_PREFIX = 25;
/** Blocks of a host's range; block 0 is the host's own. */
export const BLOCKS = 2 ** (BLOCK_PREFIX - HOST_PREFIX);
const BLOCK_SIZE = 2 ** (32 - BLOCK_PREFIX);
/** Offsets in a block that Seawall gives out; below are the network and its gateway, above is Docker's half. */
const FIRST_STATIC = 2;
const LAST_STATIC = 63;

/** An IPv4 block: its first address as a number and its prefix length. */
interface Cidr {
  readonly base: number;
  readonly prefix: number;
}

/** `10.208.0.0/12` → numbers. Throws `input` when it is no IPv4 block or has bits behind its prefix. */
export function parseCidr(text: string): Cidr {
  const [address = '', length = ''] = text.split('/');
  const prefix = /^\d{1,2}$/.test(length) ? Number(length) : 99;
  const base = addressNumber(address);
  if (base === undefined || prefix > 32 || base % 2 ** (32 - prefix) !== 0) {
    throw new SeawallError('input', `"${text}" is not an IPv4 block`, {
      hint: 'Write it like 10.208.0.0/12.',
    });
  }
  return { base, prefix };
}

/** The number behind a dotted address; `undefined` when it is none. */
function addressNumber(address: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return undefined;
  const bytes = address.split('.').map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

const dotted = (number: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.');
const cidrText = (base: number, prefix: number): string => `${dotted(base)}/${prefix}`;

/** The block that an address with its prefix length lies in: `172.17.0.1/16` → `172.17.0.0/16`. */
export function blockOf(text: string): string {
  const [address = '', length = '32'] = text.split('/');
  const size = 2 ** (32 - Number(length));
  const number = addressNumber(address);
  return number === undefined ? text : cidrText(Math.floor(number / size) * size, Number(length));
}

/** Whether an address lies in a block. */
export function contains(cidr: string, address: string): boolean {
  const { base, prefix } = parseCidr(cidr);
  const number = addressNumber(address);
  return number !== undefined && number >= base && number < base + 2 ** (32 - prefix);
}

/** Addresses that the internet does not route: RFC 1918, RFC 6598 (shared), RFC 3927 (link-local), RFC 1122 (loopback). */
const PRIVATE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
];

/** Whether an IPv4 address is one that the internet does not route. */
export const isPrivateAddress = (address: string): boolean =>
  PRIVATE.some((range) => contains(range, address));

/** Whether two blocks share an address. */
export function overlaps(left: string, right: string): boolean {
  const a = parseCidr(left);
  const b = parseCidr(right);
  return a.base < b.base + 2 ** (32 - b.prefix) && b.base < a.base + 2 ** (32 - a.prefix);
}

/** How many hosts a cluster's range has place for: 255 in a /12. */
export function hostCapacity(range: string): number {
  return Math.min(255, 2 ** Math.max(0, HOST_PREFIX - parseCidr(range).prefix) - 1);
}

function hostBase(range: string, number: number): number {
  if (!Number.isInteger(number) || number < 1 || number > hostCapacity(range)) {
    throw new SeawallError('refused', `The range ${range} has no place for host number ${number}`, {
      hint: `It holds ${hostCapacity(range)} hosts; choose a wider range such as 10.208.0.0/12.`,
    });
  }
  return parseCidr(range).base + number * 2 ** (32 - HOST_PREFIX);
}

/** The /20 of a host. */
export const hostRange = (range: string, number: number): string =>
  cidrText(hostBase(range, number), HOST_PREFIX);

/** The host's own address in the private network: the first of its range. */
export const privateAddress = (range: string, number: number): string => dotted(hostBase(range, number) + 1);

/** The private address of the host in whose /20 an address of the cluster's range lies. */
export function hostAddressOf(address: string): string | undefined {
  const number = addressNumber(address);
  const size = 2 ** (32 - HOST_PREFIX);
  return number === undefined ? undefined : dotted(Math.floor(number / size) * size + 1);
}

/** Source address of upgraded connections (WebSocket) from an edge: the one after {@link privateAddress}. */
export const upgradeAddress = (range: string, number: number): string => dotted(hostBase(range, number) + 2);

/** Block 0: the addresses of the host itself, never a container's. */
export const ownBlock = (range: string, number: number): string =>
  cidrText(hostBase(range, number), BLOCK_PREFIX);

/** The /25 of a network on a host; block 1 … 31. */
export function blockSubnet(range: string, number: number, block: number): string {
  if (!Number.isInteger(block) || block < 1 || block >= BLOCKS) {
    throw new SeawallError('bug', `There is no network block ${block}`);
  }
  return cidrText(hostBase(range, number) + block * BLOCK_SIZE, BLOCK_PREFIX);
}

/** First address of a network's block: the bridge's. */
export const gateway = (subnet: string): string => dotted(parseCidr(subnet).base + 1);

/** Upper half of a network's block: Docker gives these out by itself, to one-off containers. */
export const dynamicRange = (subnet: string): string =>
  cidrText(parseCidr(subnet).base + BLOCK_SIZE / 2, BLOCK_PREFIX + 1);

/** Every address of a network's block that Seawall gives to replicas, in order: `.2` … `.63`. */
export function staticAddresses(subnet: string): string[] {
  const { base } = parseCidr(subnet);
  return Array.from({ length: LAST_STATIC - FIRST_STATIC + 1 }, (_, index) =>
    dotted(base + FIRST_STATIC + index),
  );
}

/**
 * The next free address after the one given last, round and round, so that an address comes back as late as
 * possible. `cursor`: address given last in this network. Throws `refused` when all 62 are taken.
 */
export function allocateAddress(subnet: string, taken: ReadonlySet<string>, cursor?: string): string {
  const all = staticAddresses(subnet);
  const start = cursor === undefined ? 0 : all.indexOf(cursor) + 1;
  const found = [...all.slice(start), ...all.slice(0, start)].find((address) => !taken.has(address));
  if (found !== undefined) return found;
  throw new SeawallError('refused', `All ${all.length} addresses of the network block ${subnet} are taken`, {
    hint: 'A network holds 62 replicas per host; spread them over more hosts.',
  });
}
