export {
  addManual,
  askForCertificate,
  awaitCertificate,
  type CertificateStatus,
  endOnHosts,
  isBad,
  issueOnHost,
  type RevocationStatus,
  readCertificates,
  readRevocation,
  removeManual,
  sealWish,
} from './certificates/index.ts';
export { deploy } from './deploy.ts';
export { type DownView, takeDown } from './down.ts';
export { userName } from './hold-lease.ts';
export { readyOneOff } from './one-off.ts';
export { planProject } from './planning.ts';
export {
  type CatalogStatus,
  type HostStatus,
  type PromotionResult,
  type PromotionView,
  promoteHost,
  readCatalogStatus,
} from './promotion/index.ts';
export { openRelease, readStanding } from './release.ts';
export type { FailureReport, RolloutResult, TrafficSummary, TransferSummary } from './result.ts';
export { listReleases, rollback } from './rollback.ts';
export { clusterOf, openCatalog, openSession, type Session, type SessionOptions } from './session.ts';
export { connectForSetup, type RemovalView, removeHost } from './setup/index.ts';
export { setUp } from './setup-state.ts';
export { forgetVolume, listVolumes, type VolumeView } from './volumes.ts';
