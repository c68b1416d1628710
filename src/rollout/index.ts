export { deploy } from './deploy.ts';
export { type DownView, takeDown } from './down.ts';
export { planProject } from './planning.ts';
export { openRelease } from './release.ts';
export type { FailureReport, RolloutResult, TrafficSummary } from './result.ts';
export { listReleases, rollback } from './rollback.ts';
export { clusterOf, openCatalog, openSession, type Session } from './session.ts';
export { connectForSetup, type RemovalView, removeHost } from './setup/index.ts';
export { setUp } from './setup-state.ts';
