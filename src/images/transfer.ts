import { PassThrough, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { describeError, SeawallError } from '../errors.ts';
import { DockerError, type HostLink, isNotFound } from '../hosts/index.ts';
import { type ImageArchive, layerBytes, packArchive } from './archive.ts';
import { countBytes } from './count-bytes.ts';
import { configText } from './image-config.ts';
import {
  type ImageIdentity,
  type Inventory,
  identityOf,
  isSameImage,
  knownLayers,
  takeInventory,
} from './inventory.ts';

export interface SendOptions {
  /** Bytes of layers read so far and in all, before compression. */
  readonly onProgress?: (sentBytes: number, allBytes: number) => void;
  /** Bytes that left this machine, compressed, each time some did. */
  readonly onWireBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** The host's images, when they are known. */
  readonly inventory?: Inventory;
}

export interface Sent {
  /** Id of the image in the host's own store. */
  readonly hostId: string;
  readonly sentLayers: number;
  readonly sentBytes: number;
}

/**
 * Brings a saved image to a host under the name `tag`, moving only the layers that the host lacks, and checks that
 * what arrived is what was sent.
 */
export async function sendImage(
  archive: ImageArchive,
  link: Pick<HostLink, 'docker' | 'name' | 'local'>,
  tag: string,
  options: SendOptions = {},
): Promise<Sent> {
  const inventory = options.inventory ?? (await takeInventory(link.docker, options));
  const wanted = wantedIdentity(archive);
  const present = inventory.images.find((image) => isSameImage(image, wanted));
  if (present !== undefined) {
    await link.docker.tagImage(present.id, tag, options);
    return { hostId: present.id, sentLayers: 0, sentBytes: 0 };
  }
  const known = inventory.store === 'classic' ? knownLayers(wanted.diffIds, inventory.images) : 0;
  const from = await loadFrom(archive, link, tag, known, options);
  const hostId = await verify(archive, link, tag, { ...options, inventory });
  return { hostId, sentLayers: archive.layers.length - from, sentBytes: layerBytes(archive, from) };
}

/** @returns the number of the first layer that was sent. */
async function loadFrom(
  archive: ImageArchive,
  link: Pick<HostLink, 'docker' | 'local'>,
  tag: string,
  known: number,
  options: SendOptions,
): Promise<number> {
  try {
    await load(archive, link, tag, known, options);
    return known;
  } catch (error) {
    // The layers below may have been pruned between the look and the load.
    if (known === 0 || !(error instanceof DockerError)) throw error;
    await load(archive, link, tag, 0, options);
    return 0;
  }
}

async function load(
  archive: ImageArchive,
  link: Pick<HostLink, 'docker' | 'local'>,
  tag: string,
  from: number,
  options: SendOptions,
): Promise<void> {
  const all = layerBytes(archive, from);
  let read = 0;
  const counted = countBytes((bytes) => {
    read += bytes;
    options.onProgress?.(Math.min(read, all), all);
  });
  const packed: Transform = link.local ? new PassThrough() : createGzip({ level: constants.Z_BEST_SPEED });
  const wire = countBytes((bytes) => options.onWireBytes?.(bytes));
  const end = new AbortController();
  const feeding = pipeline(packArchive(archive, from, tag), counted, packed, wire, { signal: end.signal });
  feeding.catch(() => {});
  try {
    await link.docker.loadImages(wire, { signal: options.signal });
  } finally {
    end.abort();
  }
}

async function verify(
  archive: ImageArchive,
  link: Pick<HostLink, 'docker' | 'name'>,
  tag: string,
  { inventory, signal }: Pick<SendOptions, 'signal'> & { readonly inventory: Inventory },
): Promise<string> {
  try {
    const found = identityOf(await link.docker.inspectImage(tag, { signal }), inventory.store);
    if (isSameImage(found, wantedIdentity(archive))) return found.id;
    throw new SeawallError('docker', `the image ${tag} arrived as another one (${found.id})`, {
      where: link.name,
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const text = `the image ${tag} did not arrive: ${describeError(error)}`;
    throw new SeawallError('docker', text, { where: link.name, cause: error });
  }
}

function wantedIdentity(archive: ImageArchive): ImageIdentity {
  const { created, config } = JSON.parse(archive.config.toString()) as { created?: string; config?: object };
  return {
    id: archive.imageId,
    configDigest: archive.imageId,
    diffIds: archive.layers.map(({ diffId }) => diffId),
    created: created ?? '',
    config: configText(config),
  };
}
