import type { LinkKind } from '../../cluster.ts';
import { SeawallError } from '../../errors.ts';
import { isPrivateAddress } from '../../ranges.ts';

/** How a host can speak WireGuard. */
export type WireguardSupport = 'kernel' | 'user space' | 'none';

export interface LinkQuestion {
  readonly wish: LinkKind | 'auto';
  /** Every host of the cluster to be. */
  readonly hosts: readonly { readonly name: string; readonly address: string }[];
  /** Of the cluster as it is; absent: there is none yet. */
  readonly former?: LinkKind | undefined;
}

/** The link of a cluster as far as it is settled without looking at the hosts' kernels; `undefined`: look. */
export function obviousLink({ wish, hosts, former }: LinkQuestion): LinkKind | undefined {
  if (hosts.length < 2) return wish === 'auto' ? 'none' : wish;
  const open = hosts.find(({ address }) => !isPrivateAddress(address));
  if (wish === 'vxlan') {
    if (open === undefined) return wish;
    throw new SeawallError(
      'refused',
      `${open.address} of ${open.name} is a public address, and VXLAN does not encrypt what the hosts send each other`,
      {
        where: 'network.link',
        hint: 'Write network: { link: wireguard }, or give every host an address in a network that only your servers share.',
      },
    );
  }
  // Another kind of link costs a moment without one: only who asks for it, or must, gets it.
  if (wish !== 'wireguard' && former === 'vxlan' && open === undefined) return former;
  return undefined;
}

/**
 * The link of a cluster, given what the kernels can. By itself it is WireGuard when every kernel has it, when an address
 * is public, or when it was before; else VXLAN. @throws SeawallError `refused` when a host cannot have it.
 */
export function decideLink(
  question: LinkQuestion,
  support: Readonly<Record<string, WireguardSupport>>,
): LinkKind {
  const obvious = obviousLink(question);
  if (obvious !== undefined) return obvious;
  const { wish, hosts, former } = question;
  const isNeeded =
    wish === 'wireguard' ||
    former === 'wireguard' ||
    hosts.some(({ address }) => !isPrivateAddress(address)) ||
    Object.values(support).every((each) => each === 'kernel');
  if (!isNeeded) return 'vxlan';
  const [unable] = Object.entries(support).find(([, each]) => each === 'none') ?? [];
  if (unable === undefined) return 'wireguard';
  throw new SeawallError('refused', 'the kernel has no WireGuard, and no /dev/net/tun for it in user space', {
    where: unable,
    hint: 'Load the module: modprobe wireguard, or modprobe tun. With private addresses network: { link: vxlan } does without.',
  });
}
