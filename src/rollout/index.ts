export { type DeployOptions, deploy } from './deploy.ts';
export { type DownOptions, type DownView, takeDown } from './down.ts';
export { planProject } from './planning.ts';
export { openRelease } from './release.ts';
export type { FailureReport, RolloutResult, TrafficSummary } from './result.ts';
export { listReleases, type RollbackOptions, rollback } from './rollback.ts';
export { clusterOf, openCatalog, openSession, type Session, type SessionOptions } from './session.ts';
export { connectForSetup } from './setup/index.ts';
export { setUp } from './setup-state.ts';
