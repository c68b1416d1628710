import { OWN } from '../cluster.ts';
import { LABEL } from '../labels.ts';
import { dynamicRange, gateway } from '../ranges.ts';
import { dockerNetworkName } from './container.ts';

/** Interface name of a network's bridge. */
export const bridgeName = (block: number): string => `${OWN.bridgePrefix}${block}`;

export interface DockerNetwork {
  readonly cluster: string;
  readonly project: string;
  readonly network: string;
  /** From `blockSubnet`. */
  readonly subnet: string;
  readonly block: number;
  /** Engine's API version, such as `1.41`. */
  readonly engineApiVersion: string;
  /** Bytes; absent: Docker's default. */
  readonly mtu?: number;
}

/**
 * Body of `POST /networks/create`. Never Docker's `Internal`: it would take the gateway away, and with it the way to
 * the network's part on other hosts; the host rules keep internal networks in. Masquerading is off because Docker
 * would hide a replica's address from replicas of other hosts (measured).
 */
export function dockerNetworkBody(network: DockerNetwork) {
  const { subnet } = network;
  return {
    Name: dockerNetworkName(network.project, network.network),
    Driver: 'bridge',
    Internal: false,
    EnableIPv6: false,
    IPAM: {
      Driver: 'default',
      Config: [{ Subnet: subnet, Gateway: gateway(subnet), IPRange: dynamicRange(subnet) }],
    },
    Options: {
      'com.docker.network.bridge.name': bridgeName(network.block),
      'com.docker.network.bridge.enable_ip_masquerade': 'false',
      ...(network.mtu === undefined ? {} : { 'com.docker.network.driver.mtu': String(network.mtu) }),
      ...directAccess(network.engineApiVersion),
    },
    Labels: {
      [LABEL.cluster]: network.cluster,
      [LABEL.project]: network.project,
      [LABEL.network]: network.network,
    },
  };
}

/**
 * Engines from 28.0 (API 1.48) drop packets that reach a container's address from outside its bridge. 28.2 (API 1.50)
 * has an exception for named interfaces (moby/moby#49832); before it only the whole network can be excepted, and
 * the host rules alone guard it, as with the engines before 28.
 */
function directAccess(apiVersion: string): Record<string, string> {
  const [major = 0, minor = 0] = apiVersion.split('.').map(Number);
  const version = major * 1000 + minor;
  if (version >= 1050) return { 'com.docker.network.bridge.trusted_host_interfaces': OWN.link };
  if (version >= 1048) return { 'com.docker.network.bridge.gateway_mode_ipv4': 'nat-unprotected' };
  return {};
}
