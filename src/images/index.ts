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
export { findImage } from './find-image.ts';
export { STAGING_VOLUME } from './host-order.ts';
export { type DockerConfig, readDockerConfig } from './registry-auth.ts';
export {
  keepImages,
  keptName,
  ownImageBytes,
  pruneBuiltImages,
  pruneImages,
  releaseImageId,
  releasesWithin,
} from './retention.ts';
export { runImageOrder } from './staging/program.ts';
export type { Exchange, ImageContext, ImageWish } from './wish.ts';
