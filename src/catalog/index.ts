export { type CatalogCertificate, makeCatalogCertificate } from './certificate.ts';
export { CatalogClient } from './client.ts';
export type {
  CheckEntry,
  Registration,
  ServiceEntry,
} from './entry.ts';
export { HeldKey } from './held-key.ts';
export { parseEntry, updateRecord } from './json.ts';
export { acquireLease } from './lease.ts';
export { clearDraining, markDraining } from './maintenance.ts';
export { type CatalogServer, startCatalogServer } from './server.ts';
export { ServiceView } from './service-view.ts';
export { ensureSubnet, releaseSubnets } from './subnets.ts';
export type { CatalogConnection } from './transport.ts';
export { watchKey, watchKeys, watchService } from './watch.ts';
