export {
  type AgentImageSource,
  agentImageName,
  agentImagesOn,
  ensureAgentImage,
  ownImagesOn,
  removeOldAgentImages,
  removeUnusedImages,
} from './agent-image.ts';
export { buildImages, ensureImages } from './ensure.ts';
export { type DockerConfig, readDockerConfig } from './registry-auth.ts';
export { keepImages, keptName, pruneImages } from './retention.ts';
export { findImage } from './supply.ts';
export type { ImageContext, ImageWish } from './wish.ts';
