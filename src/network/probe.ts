import { createSocket } from 'node:dgram';
import { contains } from '../ranges.ts';
import { reportOnce } from '../report-once.ts';
import { bindUdp, retryUntilBound } from './bind.ts';
import { ECHO_PORT } from './ports.ts';

/** What got through the link to a peer and back: everything, only small packets, or nothing. */
export type LinkHealth = 'ok' | 'small only' | 'no answer';

/** Bytes of the headers of IPv4 and UDP; as many with ICMP. */
export const packetHeaders = 28;
const SMALL_BYTES = 32;
const TRIES = 3;
const TRY_MS = 700;

export interface EchoOptions {
  /** The host's private address; waited for when it is not there yet. */
  readonly address: string;
  /** CIDR of the cluster: only its addresses are answered. */
  readonly range: string;
  readonly port?: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Sends datagrams of the cluster's hosts back as they came. @returns when the signal is aborted. */
export async function serveEcho(options: EchoOptions): Promise<void> {
  const { address, range, port = ECHO_PORT, signal, log } = options;
  const onError = reportOnce((text) => log(`warn echo: ${text}`)).report;
  const socket = await retryUntilBound(() => bindUdp(address, port), { signal, onError });
  if (socket === undefined) return;
  socket.on('error', onError);
  socket.on('message', (message, from) => {
    // Another echo would send it back for ever; nobody listens on port 0, and Node throws rather than to send there.
    if (contains(range, from.address) && from.port !== port && from.port !== 0)
      socket.send(message, from.port, from.address, () => undefined);
  });
  await new Promise<void>((resolve) => {
    const end = () => socket.close(() => resolve());
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

export interface ProbeOptions {
  /** Own private address, to send from. */
  readonly address: string;
  readonly peers: readonly (ProbedPeer & { readonly name: string })[];
  readonly port?: number;
}

export interface ProbedPeer {
  readonly privateAddress: string;
  /** Bytes of the largest packet that should pass. */
  readonly mtu: number;
}

/**
 * Sends small and full-size datagrams to every peer and waits for their return, 2.1 seconds at the most. Linux marks
 * datagrams that fit the interface as not to be fragmented, so a full-size one tells that whole packets pass.
 */
export async function probePeers(options: ProbeOptions): Promise<Record<string, LinkHealth>> {
  const { address, peers, port = ECHO_PORT } = options;
  const results = peers.map(async ({ name, privateAddress, mtu }) => {
    const ask = (bytes: number) => echo(address, { address: privateAddress, port }, bytes);
    const [small, full] = await Promise.all([ask(SMALL_BYTES), ask(mtu - packetHeaders)]);
    return [name, full ? 'ok' : small ? 'small only' : 'no answer'] as const;
  });
  return Object.fromEntries(await Promise.all(results));
}

/** What every IPv4 network must carry (RFC 791); below, a path is broken rather than narrow. */
const SMALLEST_MTU = 576;
/** Sizes that are tried at once. */
const SIZES = 16;
/** Bytes that the result may be below what the path carries. */
export const PRECISION = 8;

/**
 * Bytes of the largest packet that reaches a peer and comes back, found with datagrams of many sizes at once, 2.1
 * seconds for each of two to four rounds; `undefined` when not even {@link SMALLEST_MTU} pass.
 */
export async function largestPacket(options: {
  readonly address: string;
  readonly peer: ProbedPeer;
  readonly port?: number;
  readonly signal?: AbortSignal;
}): Promise<number | undefined> {
  const { address, peer, port = ECHO_PORT, signal } = options;
  const passes = (bytes: number) =>
    echo(address, { address: peer.privateAddress, port }, bytes - packetHeaders);
  let low = SMALLEST_MTU;
  let high = peer.mtu;
  if (await passes(high)) return high;
  if (!(await passes(low))) return undefined;
  while (high - low > PRECISION && signal?.aborted !== true) {
    const step = Math.ceil((high - low) / SIZES);
    const sizes: number[] = [];
    for (let bytes = low + step; bytes < high; bytes += step) sizes.push(bytes);
    const results = await Promise.all(sizes.map(passes));
    const best = sizes.filter((_, index) => results[index]).at(-1) ?? low;
    high = Math.min(high, best + step);
    low = best;
  }
  return low;
}

async function echo(
  local: string,
  peer: { readonly address: string; readonly port: number },
  bytes: number,
): Promise<boolean> {
  // Without the own address there is no link either.
  const socket = await bindUdp(local, 0).catch(() => createSocket('udp4'));
  return new Promise((resolve) => {
    let tries = 0;
    const end = (came: boolean) => {
      clearInterval(timer);
      socket.close();
      resolve(came);
    };
    const send = () => {
      tries += 1;
      if (tries > TRIES) end(false);
      else socket.send(Buffer.alloc(bytes, tries), peer.port, peer.address, () => undefined);
    };
    socket.on('error', () => end(false));
    socket.on('message', (message, from) => {
      if (from.address === peer.address && message.length === bytes) end(true);
    });
    const timer = setInterval(send, TRY_MS);
    send();
  });
}
