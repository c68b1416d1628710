export {
  type AgentImageSource,
  agentImageName,
  ensureAgentImage,
  removeOldAgentImages,
} from './agent-image.ts';
export { buildImages, ensureImages } from './ensure.ts';
export { knownLayers, missingLayers } from './inventory.ts';
export { type DockerConfig, readDockerConfig } from './registry-auth.ts';
export { keepImages, keptName, keptReleases, prunableNames, pruneImages } from './retention.ts';
export { findImage } from './supply.ts';
export type { ImageContext, ImageWish, ReadyImage } from './wish.ts';
