export type {
  Actual,
  ActualHost,
  ActualReplica,
  ForeignRoute,
  MixedRelease,
  PublishedRoute,
} from './actual.ts';
export { canonicalJson } from './canonical.ts';
export { issuerWords } from './certificate-words.ts';
export type { Change, Move, Obstacle, OldReplica, Plan, RollRule, Step } from './change.ts';
export { configHash } from './config-hash.ts';
export {
  containerPlan,
  dockerNetworkName,
  networkOrder,
} from './container.ts';
export { diff } from './diff.ts';
export { bridgeName, dockerNetworkBody } from './docker-network.ts';
export { unnamedHosts } from './host-diff.ts';
export type { PlanInput } from './input.ts';
export { ObstacleError } from './obstacle-error.ts';
export { stopTurns } from './order.ts';
export { viewMixed, viewObstacles, viewPlan } from './view.ts';
export { planCounts } from './view-counts.ts';
