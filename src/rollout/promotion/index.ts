export { type PromotionResult, type PromotionView, promoteHost } from './promote.ts';
export { type CatalogStatus, type HostStatus, readCatalogStatus } from './status.ts';
