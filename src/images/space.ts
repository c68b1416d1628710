import { SeawallError } from '../errors.ts';
import type { Layer, Looked, Room } from './staging/orders.ts';

/** Bytes that must be left over: logs and data of what runs go on growing. */
const reserveBytes = 64 * 2 ** 20;

/** An image that a host is to get. */
export interface Arrival {
  /** All its layers, lowest first. */
  readonly layers: readonly Layer[];
  /** Number of lowest layers that the host's Docker has and that are not brought. */
  readonly known: number;
  /** containerd's store is given every layer and keeps each packed and unpacked. */
  readonly store: 'classic' | 'containerd';
}

/** Peak of bytes that images take while they come in, one after the other, and what of it is for waiting layers. */
export interface SpaceNeed {
  readonly storeBytes: number;
  readonly stagingBytes: number;
}

/**
 * Space that a host needs for images: what stays of all of them, layers that several share counted once, and for the
 * largest the copy that Docker makes while it loads (`tmp` in its data folder) and the one that waits.
 */
export function spaceNeeded(arrivals: readonly Arrival[], staged: Looked['staged'] = {}): SpaceNeed {
  const kept = new Map<string, number>();
  let largest = 0;
  let waiting = 0;
  for (const { layers, known, store } of arrivals) {
    const given = store === 'classic' ? layers.slice(known) : layers;
    const bytes = sumOf(given);
    const missing = given.reduce((sum, { diffId, bytes: all }) => sum + all - (staged[diffId] ?? 0), 0);
    largest = Math.max(largest, bytes);
    waiting = Math.max(waiting, missing);
    for (let at = known; at < layers.length; at += 1) {
      const chain = layers
        .slice(0, at + 1)
        .map(({ diffId }) => diffId)
        .join();
      kept.set(chain, (layers[at]?.bytes ?? 0) * (store === 'classic' ? 1 : 2));
    }
  }
  const stays = [...kept.values()].reduce((sum, bytes) => sum + bytes, 0);
  return { storeBytes: stays + largest, stagingBytes: Math.max(0, waiting) };
}

/** Both questions on one filesystem, or each on its own: what is needed and what is free where it is short. */
export function shortage(
  need: SpaceNeed,
  { store, staging }: Pick<Looked, 'store' | 'staging'>,
): { readonly neededBytes: number; readonly freeBytes: number } | undefined {
  const isOne = store.totalBytes === staging.totalBytes && store.freeBytes === staging.freeBytes;
  const questions: readonly (readonly [number, Room])[] = isOne
    ? [[need.storeBytes + need.stagingBytes, store]]
    : [
        [need.storeBytes, store],
        [need.stagingBytes, staging],
      ];
  const short = questions.find(([bytes, room]) => bytes > 0 && bytes + reserveBytes > room.freeBytes);
  return short && { neededBytes: short[0] + reserveBytes, freeBytes: short[1].freeBytes };
}

/** @param unusedBytes of images that no container uses. */
export function spaceError(
  host: string,
  { neededBytes, freeBytes }: { readonly neededBytes: number; readonly freeBytes: number },
  unusedBytes: number,
): SeawallError {
  const text = `${megabytes(freeBytes)} MB are free for images, ${megabytes(neededBytes)} MB are needed; nothing was sent`;
  const unused =
    unusedBytes === 0
      ? 'No image there is unused: see what else is large (docker system df).'
      : `Images that no container there uses take up to ${megabytes(unusedBytes)} MB: docker image prune --all. Those of earlier releases are among them; rolling back to one needs it.`;
  return new SeawallError('refused', text, { where: host, hint: unused });
}

/** The disk filled up while images were brought. */
export function fullDiskError(host: string, cause: unknown): SeawallError {
  return new SeawallError('refused', 'the disk became full while images were brought', {
    where: host,
    hint: `Nothing was stopped or started. Free some: docker system df on ${host}, then docker image prune; then deploy again.`,
    cause,
  });
}

export function sumOf(layers: readonly Pick<Layer, 'bytes'>[]): number {
  return layers.reduce((sum, { bytes }) => sum + bytes, 0);
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0);
}
