export { asksPublicIssuer, type CertificateSettings } from './certificate-settings.ts';
export type { Config, HostConfig, NetworkConfig } from './config.ts';
export { impossibleRules } from './edge-rules.ts';
export { findIssuer } from './issuers.ts';
export { type LoadedProject, loadProject } from './load.ts';
export { isPublicName } from './public-names.ts';
export { configJsonSchema, renderConfigReference } from './reference.ts';
export { configSchema } from './schema.ts';
