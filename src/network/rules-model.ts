import type { SubnetRecord } from '../catalog/record.ts';
import type { LinkKind } from '../cluster.ts';
import { SeawallError } from '../errors.ts';
import { bridgeName } from '../plan/index.ts';
import { blockSubnet, hostRange, privateAddress } from '../ranges.ts';

/** What decides a host's rules. */
export interface RulesInput {
  readonly range: string;
  readonly link: LinkKind;
  /** UDP port of the link. */
  readonly linkPort: number;
  /** Name of the host whose rules these are. */
  readonly own: string;
  /** Every host of the cluster, the own one included. */
  readonly hosts: readonly RulesHost[];
  readonly subnets: readonly SubnetRecord[];
  /** Containers of this host in Seawall's networks, stopped ones too. */
  readonly containers: readonly LocalContainer[];
  readonly catalogPort: number;
}

export interface RulesHost {
  readonly name: string;
  readonly number: number;
  /** IPv4 address of the machine that the link uses. */
  readonly address: string;
  /** WireGuard's, base64. */
  readonly publicKey?: string;
}

/** A container in Seawall's networks on this host. */
export interface LocalContainer {
  readonly name: string;
  readonly project: string;
  /** Network name → its fixed address there. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Ports of the host that others may reach. */
  readonly exposed: readonly ExposedPort[];
  /** Resolvers that its service names itself, for what Seawall does not know. */
  readonly resolvers?: readonly string[];
}

export interface ExposedPort {
  readonly published: number;
  readonly protocol: 'tcp' | 'udp';
  /** CIDRs. */
  readonly allow: readonly string[];
}

/** A network's block on this host with the same network's blocks on the others. */
interface Block {
  readonly title: string;
  readonly project: string;
  readonly network: string;
  readonly internal: boolean;
  readonly bridge: string;
  readonly subnet: string;
  readonly peers: readonly { readonly host: string; readonly subnet: string }[];
}

/** A container in two networks: Docker sends what it starts through one of them, under its address there. */
export interface Crossing {
  readonly container: string;
  /** Its address in `from`. */
  readonly address: string;
  readonly from: Block;
  readonly to: Block;
  /** Its address in `to`. */
  readonly addressThere: string;
}

export interface Model {
  readonly input: RulesInput;
  readonly ownRange: string;
  readonly privateAddress: string;
  readonly peers: readonly RulesHost[];
  readonly blocks: readonly Block[];
  readonly crossings: readonly Crossing[];
}

/** Puts together what the rules are about. Throws `bug` when the own host is not among the hosts. */
export function modelOf(input: RulesInput): Model {
  const own = input.hosts.find((host) => host.name === input.own);
  if (own === undefined) throw new SeawallError('bug', `host ${input.own} is not among the cluster's hosts`);
  const peers = input.hosts.filter((host) => host !== own).toSorted((a, b) => a.number - b.number);
  const blocks = blocksOf(input, own, peers);
  return {
    input,
    ownRange: hostRange(input.range, own.number),
    privateAddress: privateAddress(input.range, own.number),
    peers: input.link === 'none' ? [] : peers,
    blocks,
    crossings: input.containers.flatMap((container) => crossingsOf(container, blocks)),
  };
}

function blocksOf(input: RulesInput, own: RulesHost, peers: readonly RulesHost[]): Block[] {
  const listed = (host: RulesHost) =>
    Object.entries(input.subnets.find((record) => record.host === host.name)?.blocks ?? {})
      .map(([block, owner]) => ({ ...owner, block: Number(block) }))
      .toSorted((a, b) => a.block - b.block);
  return listed(own).map(({ block, project, network, internal }) => ({
    title: `${project}/${network}`,
    project,
    network,
    internal,
    bridge: bridgeName(block),
    subnet: blockSubnet(input.range, own.number, block),
    peers: peers.flatMap((peer) =>
      listed(peer)
        .filter((other) => other.project === project && other.network === network)
        .map((other) => ({ host: peer.name, subnet: blockSubnet(input.range, peer.number, other.block) })),
    ),
  }));
}

function crossingsOf(container: LocalContainer, blocks: readonly Block[]): Crossing[] {
  const own = blocks.flatMap((block) => {
    const address = block.project === container.project ? container.addresses[block.network] : undefined;
    return address === undefined ? [] : [{ block, address }];
  });
  return own.flatMap((from) =>
    own
      .filter((to) => to.block !== from.block)
      .map((to) => ({
        container: container.name,
        address: from.address,
        from: from.block,
        to: to.block,
        addressThere: to.address,
      })),
  );
}

/** Ways out of internal networks that containers with another, open network may take. */
export function outwardCrossings(crossings: readonly Crossing[]): Crossing[] {
  const open = crossings.filter(({ from, to }) => from.internal && !to.internal);
  return open.filter((one, index) => open.findIndex((other) => other.address === one.address) === index);
}
