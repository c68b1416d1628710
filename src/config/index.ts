export type { Config, HostConfig, NetworkConfig } from './config.ts';
export { type LoadedProject, loadProject } from './load.ts';
export { configJsonSchema, renderConfigReference } from './reference.ts';
export { configSchema } from './schema.ts';
