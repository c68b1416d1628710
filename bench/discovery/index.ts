export { benchDiscovery } from './run.ts';
