export { type PromotionResult, promoteHost } from './promote.ts';
export type { PromotionView } from './promotion-view.ts';
export { type CatalogStatus, type HostStatus, readCatalogStatus } from './status.ts';
