export type { Config, HostConfig } from './config.ts';
export { type Loaded, type LoadedProject, type LoadOptions, loadProject } from './load.ts';
export { configJsonSchema, configKeys, renderConfigReference } from './reference.ts';
export { configSchema } from './schema.ts';
