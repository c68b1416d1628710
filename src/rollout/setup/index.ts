export type { SetupParts } from './bodies.ts';
export { connectForSetup } from './connect.ts';
export { setupReasons } from './reasons.ts';
export { type SetupOptions, type SetupResult, setupCluster } from './setup.ts';
export { teardownHost } from './teardown.ts';
