export { type CatalogCertificate, makeCatalogCertificate } from './certificate.ts';
export { CatalogClient } from './client.ts';
export type {
  CheckEntry,
  KvEntry,
  Registration,
  ServiceEntry,
} from './entry.ts';
export { HeldKey } from './held-key.ts';
export { parseEntry, updateRecord } from './json.ts';
export { keepSnapshots } from './keep-snapshots.ts';
export { acquireLease } from './lease.ts';
export type { Listening } from './listening.ts';
export { clearDraining, isStopping, markDraining, markStopping } from './maintenance.ts';
export { askPlace, type PlaceAnswer, placeConnection } from './place.ts';
export { contentOfKeys } from './rebuilt-content.ts';
export type { ReleaseFile } from './release-file.ts';
export { type CatalogServer, startCatalogServer, startPlaceServer } from './server.ts';
export { ServiceView } from './service-view.ts';
export { newestSnapshot, parseSnapshotFile } from './snapshot-file.ts';
export { ensureSubnet, releaseSubnets } from './subnets.ts';
export * from './tls-record.ts';
export type { CatalogConnection } from './transport.ts';
export { watchAnswer, watchKey, watchKeys, watchService } from './watch.ts';
