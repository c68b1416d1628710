import type { Docker, ImageInfo, SystemInfo } from '../hosts/index.ts';
import { configText } from './image-config.ts';

/** What of an image tells it from another, in both of Docker's image stores. */
export interface ImageIdentity {
  readonly id: string;
  /** Absent where the engine does not tell: containerd's store. */
  readonly configDigest?: string;
  /** Lowest first. */
  readonly diffIds: readonly string[];
  /** ISO time from the image's configuration. */
  readonly created: string;
  /** {@link configText}. */
  readonly config: string;
}

/** The images of one engine. */
export interface Inventory {
  readonly images: readonly ImageIdentity[];
  /** containerd's store names images by their manifest and wants every layer of a load. */
  readonly store: 'classic' | 'containerd';
}

/** Which store `docker info` speaks of. */
export function imageStore(info: Pick<SystemInfo, 'DriverStatus'>): Inventory['store'] {
  const isContainerd = (info.DriverStatus ?? []).some(([, value]) =>
    value.startsWith('io.containerd.snapshotter'),
  );
  return isContainerd ? 'containerd' : 'classic';
}

/** The image of an inventory that shares the longest beginning with the wanted layers; absent when none shares any. */
export function nearestImage(
  wanted: readonly string[],
  images: readonly ImageIdentity[],
): { readonly image: ImageIdentity; readonly known: number } | undefined {
  const known = knownLayers(wanted, images);
  const image = images.find((each) => known > 0 && knownLayers(wanted, [each]) === known);
  return image === undefined ? undefined : { image, known };
}

/**
 * Number of lowest layers of a wanted image that are there already: the longest beginning it shares with any image.
 * A layer counts only on the same layers below, because Docker keeps layers by their chain (OCI image
 * specification, "Layer ChainID").
 */
export function knownLayers(
  wanted: readonly string[],
  images: readonly Pick<ImageIdentity, 'diffIds'>[],
): number {
  let best = 0;
  for (const { diffIds } of images) {
    let shared = 0;
    while (shared < wanted.length && shared < diffIds.length && wanted[shared] === diffIds[shared])
      shared += 1;
    best = Math.max(best, shared);
  }
  return best;
}

/** Layers of a wanted image that a host lacks, lowest first. */
export function missingLayers(
  wanted: readonly string[],
  images: readonly Pick<ImageIdentity, 'diffIds'>[],
): readonly string[] {
  return wanted.slice(knownLayers(wanted, images));
}

/**
 * Whether two engines mean the same image: by id, or across stores by layers, time and configuration. BuildKit gives a
 * build that changed only in its configuration the layers and the time of the one before.
 */
export function isSameImage(a: ImageIdentity, b: ImageIdentity): boolean {
  if (a.id === b.id) return true;
  if (a.configDigest !== undefined && b.configDigest !== undefined) return a.configDigest === b.configDigest;
  const sameTime = a.created !== '' && Date.parse(a.created) === Date.parse(b.created);
  return sameTime && a.diffIds.join() === b.diffIds.join() && a.config === b.config;
}

/** @param store of the engine that told of the image; absent: not known. */
export function identityOf(
  info: Pick<ImageInfo, 'Id' | 'RootFS' | 'Created' | 'Config'>,
  store?: Inventory['store'],
): ImageIdentity {
  return {
    id: info.Id,
    ...(store === 'classic' ? { configDigest: info.Id } : {}),
    diffIds: info.RootFS.Layers ?? [],
    created: info.Created ?? '',
    config: configText(info.Config),
  };
}

/** Lists an engine's images with their layers. */
export async function takeInventory(
  docker: Pick<Docker, 'listImages' | 'inspectImage' | 'info'>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Inventory> {
  const [info, summaries] = await Promise.all([docker.info(options), docker.listImages(options)]);
  const ids = [...new Set(summaries.map(({ Id }) => Id))];
  const store = imageStore(info);
  const images: ImageIdentity[] = [];
  // A few at a time: a host may hold hundreds.
  for (let at = 0; at < ids.length; at += 8) {
    const batch = await Promise.allSettled(
      ids.slice(at, at + 8).map((id) => docker.inspectImage(id, options)),
    );
    options.signal?.throwIfAborted();
    // One that was removed meanwhile is simply not there.
    for (const result of batch)
      if (result.status === 'fulfilled') images.push(identityOf(result.value, store));
  }
  return { images, store };
}
