export { bridgeName, type DockerNetwork, dockerNetworkBody, dockerNetworkName } from './docker-network.ts';
export {
  addressNumber,
  allocateAddress,
  allocateBlock,
  blockSubnet,
  contains,
  dynamicRange,
  findBlock,
  gateway,
  hostCapacity,
  hostRange,
  overlaps,
  ownBlock,
  privateAddress,
  staticAddresses,
  upgradeAddress,
} from './ranges.ts';
