export type { Actual, ActualHost, ActualReplica, PublishedRoute } from './actual.ts';
export { canonicalJson } from './canonical.ts';
export type { Change, Move, Obstacle, OldReplica, Plan, Step } from './change.ts';
export { configHash, type Hash, routePort } from './config-hash.ts';
export {
  type ContainerPlace,
  type ContainerPlan,
  containerPlan,
  dockerNetworkName,
  networkOrder,
} from './container.ts';
export { diff } from './diff.ts';
export { bridgeName, type DockerNetwork, dockerNetworkBody } from './docker-network.ts';
export type { PlanInput } from './input.ts';
export { serviceOrder } from './order.ts';
export { samePlatform } from './place.ts';
export { publishedRoute } from './route-diff.ts';
export { type PlanViewOptions, viewPlan } from './view.ts';
export { planCounts } from './view-counts.ts';
