export { connectForSetup } from './connect.ts';
export { setupReasons } from './reasons.ts';
export type { RemovalView } from './removal.ts';
export { removeHost } from './remove-host.ts';
export { setupCluster } from './setup.ts';
export { teardownHost } from './teardown.ts';
