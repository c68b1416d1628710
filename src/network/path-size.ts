import { tryCommand } from './command.ts';
import { largestPacket, PRECISION, type ProbedPeer, packetHeaders } from './probe.ts';

export interface PathProbe {
  /** Own private address, to send from. */
  readonly address: string;
  readonly peer: ProbedPeer;
  readonly signal: AbortSignal;
}

/**
 * Bytes of the largest packet that passes to a peer, where that is less than `peer.mtu` and two searches agree: what a
 * link loses for a moment looks like a narrow path to one search, not to two. `undefined`: not narrow, or not certain.
 */
export async function narrowerSize(options: PathProbe): Promise<number | undefined> {
  const found: number[] = [];
  for (let search = 0; search < 2; search += 1) {
    const bytes = await largestPacket(options);
    if (bytes === undefined || bytes >= options.peer.mtu) return undefined;
    found.push(bytes);
  }
  const [low, high] = [Math.min(...found), Math.max(...found)];
  return high - low <= PRECISION ? low : undefined;
}

/**
 * Bytes of a larger packet than `peer.mtu` that passes although the route to that peer is held to `peer.mtu`;
 * `undefined`: none does. Called again and again it comes to what the path carries, or to `linkMtu`.
 */
export async function widerSize(
  options: PathProbe & { readonly linkMtu: number },
): Promise<number | undefined> {
  const { address, peer, linkMtu, signal } = options;
  const sizes = widerSizes(peer.mtu, linkMtu);
  const results = await Promise.all(
    sizes.map(async (bytes) => {
      const size = String(bytes - packetHeaders);
      // `-M probe` sends it whole whatever the route says (ping(8)); Node's sockets know no such option.
      const argv = ['ping', '-n', '-q', '-M', 'probe', '-c', '3', '-i', '0.3', '-W', '1', '-s', size];
      return (await tryCommand([...argv, '-I', address, peer.privateAddress], { signal })).code === 0;
    }),
  );
  return sizes.find((_, index) => results[index]);
}

/** Sizes worth a try above `mtu`, largest first: the link's own, then ever closer to what passes already. */
export function widerSizes(mtu: number, linkMtu: number): number[] {
  const sizes = linkMtu > mtu ? [linkMtu] : [];
  for (let gap = (linkMtu - mtu) >> 1; gap > PRECISION; gap >>= 1) sizes.push(mtu + gap);
  return sizes;
}
