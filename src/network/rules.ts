import { IMAGE_PORTS, OWN } from '../cluster.ts';
import { ownBlock } from '../ranges.ts';
import { DNS_PORT, ECHO_PORT } from './ports.ts';
import { type Model, modelOf, outwardCrossings, type RulesInput } from './rules-model.ts';

/** A rule that leads from a chain of others into one of ours. */
export interface Jump {
  readonly table: 'filter' | 'nat' | 'mangle';
  readonly from: string;
  readonly to: string;
}

/** In the order in which they are put in place, each at the top of its chain. */
export const JUMPS: readonly Jump[] = [
  { table: 'filter', from: 'INPUT', to: 'SEAWALL-INPUT' },
  { table: 'filter', from: 'DOCKER-USER', to: 'SEAWALL-FORWARD' },
  { table: 'nat', from: 'POSTROUTING', to: 'SEAWALL-NAT' },
  { table: 'mangle', from: 'FORWARD', to: 'SEAWALL-SIZE' },
];

/** Arguments of `iptables` that look for a jump or put it at the top. */
export function jumpArguments(jump: Jump, what: 'check' | 'insert'): string[] {
  const place = what === 'check' ? ['-C', jump.from] : ['-I', jump.from, '1'];
  return ['-w', '5', '-t', jump.table, ...place, '-j', jump.to];
}

const IPV4_CIDR = /^\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?$/;
const ESTABLISHED = '-m conntrack --ctstate RELATED,ESTABLISHED';
const BRIDGES = `${OWN.bridgePrefix}+`;
const LINK = OWN.link;

/**
 * The host's rules as `iptables-restore --noflush` takes them: declaring a chain empties it, and each table is
 * replaced at once. Chains of others are not touched. Same input, same bytes.
 */
export function renderRules(input: RulesInput): string {
  const model = modelOf(input);
  const filter: Record<string, string[]> = {
    'SEAWALL-INPUT': inputRules(model),
    'SEAWALL-INPUT-LINK': inputFromLink(model),
    'SEAWALL-INPUT-BRIDGE': inputFromBridges(model),
    'SEAWALL-FORWARD': forwardRules(),
    'SEAWALL-FROM-LINK': fromLink(model),
    'SEAWALL-FROM-BRIDGE': fromBridges(model),
    'SEAWALL-TO-BRIDGE': toBridges(model),
  };
  const nat = { 'SEAWALL-NAT': natRules(model) };
  return `${table('filter', filter)}${table('nat', nat)}${table('mangle', { 'SEAWALL-SIZE': sizeRules() })}`;
}

function table(name: string, chains: Readonly<Record<string, readonly string[]>>): string {
  const declared = Object.keys(chains).map((chain) => `:${chain} - [0:0]\n`);
  const rules = Object.entries(chains).flatMap(([chain, lines]) =>
    lines.map((line) => `-A ${chain} ${line}\n`),
  );
  return `*${name}\n${declared.join('')}${rules.join('')}COMMIT\n`;
}

/**
 * TCP connections between replicas agree on segments that fit the way between their hosts: its route's size counts in
 * both directions, whatever the size of the bridges (iptables-extensions(8), TCPMSS).
 */
function sizeRules(): string[] {
  const clamp = '-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu';
  return [`-o ${LINK} ${clamp}`, `-i ${LINK} ${clamp}`];
}

function inputRules({ input, peers }: Model): string[] {
  const port = `-p udp -m udp --dport ${input.linkPort}`;
  const link =
    input.link === 'none'
      ? []
      : [
          ...peers.map(
            (peer) => `-s ${peer.address}/32 ${port} ${comment(`link of ${peer.name}`)} -j ACCEPT`,
          ),
          `${port} -j DROP`,
        ];
  return [
    '-i lo -j RETURN',
    ...link,
    // Goto, not jump: what those chains let pass is up to the host's own rules, not to the two lines below.
    `-i ${LINK} -g SEAWALL-INPUT-LINK`,
    `-i ${BRIDGES} -g SEAWALL-INPUT-BRIDGE`,
    `-d ${input.range} -j DROP`,
    `-s ${input.range} -j DROP`,
  ];
}

/** From the link to this host: its own services for the other hosts, nothing for their containers. */
function inputFromLink({ input, peers }: Model): string[] {
  return [
    `! -s ${input.range} -j DROP`,
    `${ESTABLISHED} -j ACCEPT`,
    ...peers.flatMap((peer) => {
      const from = `-s ${ownBlock(input.range, peer.number)}`;
      const about = (what: string) => comment(`${what} for ${peer.name}`);
      return [
        `${from} -p tcp -m tcp --dport ${input.catalogPort} ${about('catalog')} -j ACCEPT`,
        `${from} -p udp -m udp --dport ${ECHO_PORT} ${about('probe of the link')} -j ACCEPT`,
        `${from} -p icmp -m icmp --icmp-type 8 ${about('size of the path')} -j ACCEPT`,
        `${from} -p tcp -m tcp --dport ${IMAGE_PORTS.first}:${IMAGE_PORTS.last} ${about('layers of images')} -j ACCEPT`,
        // What else listens here is not Seawall's: the host's own rules decide.
        `${from} -j RETURN`,
      ];
    }),
    '-j DROP',
  ];
}

/** From containers to this host: names, answers, and what the host serves in public. */
function inputFromBridges({ input, privateAddress: address, blocks, crossings }: Model): string[] {
  const outward = outwardCrossings(crossings);
  return [
    `${ESTABLISHED} -j ACCEPT`,
    `-d ${address}/32 -p udp -m udp --dport ${DNS_PORT} -j ACCEPT`,
    `-d ${address}/32 -p tcp -m tcp --dport ${DNS_PORT} -j ACCEPT`,
    `-d ${input.range} -j DROP`,
    ...outward.map(
      ({ from, address: source, container }) =>
        `-i ${from.bridge} -s ${source}/32 ${comment(container)} -j RETURN`,
    ),
    ...blocks
      .filter((block) => block.internal)
      .map((block) => `-i ${block.bridge} ${comment(`${block.title} is internal`)} -j DROP`),
  ];
}

function forwardRules(): string[] {
  return [
    `-i ${LINK} -j SEAWALL-FROM-LINK`,
    `-i ${BRIDGES} -j SEAWALL-FROM-BRIDGE`,
    `-o ${BRIDGES} -j SEAWALL-TO-BRIDGE`,
    `-o ${LINK} ${ESTABLISHED} -j ACCEPT`,
    `-o ${LINK} -j DROP`,
  ];
}

function fromLink({ input, peers, blocks }: Model): string[] {
  return [
    `! -s ${input.range} -j DROP`,
    `${ESTABLISHED} -j ACCEPT`,
    ...peers.flatMap((peer) => {
      const from = `-s ${ownBlock(input.range, peer.number)}`;
      const about = comment(`edge and agent of ${peer.name}`);
      // Published ports of containers outside Seawall's networks: Docker's own rules decide.
      return [
        `${from} -o ${BRIDGES} ${about} -j ACCEPT`,
        `${from} -m conntrack --ctstate DNAT ${about} -j RETURN`,
      ];
    }),
    ...blocks.flatMap(({ title, bridge, subnet, peers: others }) =>
      others.map(
        (peer) =>
          `-s ${peer.subnet} -d ${subnet} -o ${bridge} ${comment(`${title} of ${peer.host}`)} -j ACCEPT`,
      ),
    ),
    '-j DROP',
  ];
}

function fromBridges({ input, blocks, crossings }: Model): string[] {
  return [
    `${ESTABLISHED} -j ACCEPT`,
    ...blocks.flatMap(({ title, bridge, subnet, peers }) => [
      `-i ${bridge} ! -s ${subnet} ${comment(`${title}: not its address`)} -j DROP`,
      // Accepted here: SEAWALL-TO-BRIDGE would drop it. Bridged packets come by where br_netfilter is on, which Docker sets.
      `-i ${bridge} -o ${bridge} -j ACCEPT`,
      ...peers.map(
        (peer) =>
          `-i ${bridge} -o ${LINK} -d ${peer.subnet} ${comment(`${title} of ${peer.host}`)} -j ACCEPT`,
      ),
    ]),
    ...crossings.flatMap(({ container, address, from, to }) =>
      to.peers.map(
        (peer) =>
          `-i ${from.bridge} -o ${LINK} -s ${address}/32 -d ${peer.subnet} ${comment(`${container} to ${to.title} of ${peer.host}`)} -j ACCEPT`,
      ),
    ),
    `-d ${input.range} -j DROP`,
    `-o ${LINK} -j DROP`,
    ...outwardCrossings(crossings).map(
      ({ container, address, from }) => `-i ${from.bridge} -s ${address}/32 ${comment(container)} -j RETURN`,
    ),
    ...blocks
      .filter((block) => block.internal)
      .map((block) => `-i ${block.bridge} ${comment(`${block.title} is internal`)} -j DROP`),
  ];
}

function toBridges({ input }: Model): string[] {
  const exposed = input.containers.flatMap(({ name, exposed: ports }) =>
    ports.flatMap(({ published, protocol, allow }) =>
      // The rules are IPv4's; no container of Seawall's has another address.
      allow
        .filter((cidr) => IPV4_CIDR.test(cidr))
        .map(
          (cidr) =>
            `-s ${cidr} -p ${protocol} -m conntrack --ctstate DNAT --ctorigdstport ${published} --ctdir ORIGINAL ${comment(`exposed by ${name}`)} -j RETURN`,
        ),
    ),
  );
  return [`${ESTABLISHED} -j ACCEPT`, ...exposed, '-j DROP'];
}

function natRules({ input, ownRange, crossings }: Model): string[] {
  return [
    ...crossings.flatMap(({ container, address, from, to, addressThere }) =>
      to.peers.map(
        (peer) =>
          `-s ${address}/32 -d ${peer.subnet} ${comment(`${container}: ${from.title} as ${to.title}`)} -j SNAT --to-source ${addressThere}`,
      ),
    ),
    `-s ${input.range} -d ${input.range} -j RETURN`,
    `-s ${ownRange} ! -o ${BRIDGES} -j MASQUERADE`,
  ];
}

/** For people who list the rules; names are `[A-Za-z0-9_.-]`, anything else is not let into the text. */
const comment = (text: string): string =>
  `-m comment --comment "${text.replaceAll(/[^\w.\-/ :]/g, '?').slice(0, 200)}"`;
