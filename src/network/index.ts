export { type AliveOptions, type AliveRecord, watchAlive } from './alive.ts';
export { bridgeName, type DockerNetwork, dockerNetworkBody, dockerNetworkName } from './docker-network.ts';
export { type LinkHealth, serveEcho } from './probe.ts';
export {
  allocateAddress,
  blockSubnet,
  contains,
  gateway,
  hostCapacity,
  hostRange,
  overlaps,
  privateAddress,
  staticAddresses,
  upgradeAddress,
} from './ranges.ts';
export { type NamesOptions, watchNames } from './resolver.ts';
export { ensureSubnet, releaseSubnets, type SubnetOwner } from './subnets.ts';
export { type LinkState, type NetworkOptions, watchNetwork } from './watch.ts';
