export type { ReadOptions } from './calls.ts';
export { type CatalogCertificate, makeCatalogCertificate } from './certificate.ts';
export { CatalogClient, type KvDeleteOptions, type KvPutOptions } from './client.ts';
export type {
  Answer,
  CheckEntry,
  CheckStatus,
  Deregistration,
  KvEntry,
  Registration,
  ServiceEntry,
  SessionBehavior,
  SessionEntry,
  SessionRequest,
} from './entry.ts';
export { HeldKey, type HeldKeyOptions } from './held-key.ts';
export { parseEntry, updateRecord } from './json.ts';
export { acquireLease, Lease, type LeaseOptions } from './lease.ts';
export { clearDraining, markDraining } from './maintenance.ts';
export { type CatalogServer, type CatalogServerOptions, startCatalogServer } from './server.ts';
export { ServiceView, type ServiceViewOptions } from './service-view.ts';
export { ensureSubnet, releaseSubnets, type Subnet, type SubnetOwner } from './subnets.ts';
export type { CallOptions, CatalogConnection } from './transport.ts';
export { type WatchOptions, watchAnswer, watchKey, watchKeys, watchService } from './watch.ts';
