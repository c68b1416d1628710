import { BUILD_KEYS } from './build-keys.ts';
import { CONTAINER_KEYS } from './container-keys.ts';
import { DEPLOY_KEYS } from './deploy-keys.ts';
import { PROJECT_KEYS } from './project-keys.ts';
import type { KeyRow } from './row.ts';
import { NETWORK_KEYS, SERVICE_KEYS } from './service-keys.ts';

export type { KeyRow } from './row.ts';

/** How every key of the Compose Specification is treated: one row per key of the schema, sorted. */
export const COMPOSE_KEYS: readonly KeyRow[] = [
  ...PROJECT_KEYS,
  ...SERVICE_KEYS,
  ...NETWORK_KEYS,
  ...CONTAINER_KEYS,
  ...BUILD_KEYS,
  ...DEPLOY_KEYS,
].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
