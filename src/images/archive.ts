import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { SeawallError } from '../errors.ts';
import { type Docker, withTag } from '../hosts/index.ts';
import { indexTar, readBytes, type TarEntry } from './tar-index.ts';

/** One image as `docker save` wrote it to a temporary file, with the place of every layer in it. */
export interface ImageArchive {
  readonly file: string;
  /** `sha256:` and the digest of the configuration: the image's id in Docker's classic store. */
  readonly imageId: string;
  readonly config: Buffer;
  /** Lowest first. */
  readonly layers: readonly ArchiveLayer[];
}

export interface ArchiveLayer {
  readonly diffId: string;
  readonly offset: number;
  /** In the file; less than unpacked when the engine saves compressed layers. */
  readonly bytes: number;
}

/**
 * Saves an image of an engine to `file` and finds its parts, in the layout of engines before 25 and in the OCI layout
 * since. The caller removes the file.
 */
export async function spoolImage(
  docker: Pick<Docker, 'saveImages'>,
  reference: string,
  file: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ImageArchive> {
  try {
    const source = await docker.saveImages([reference], options);
    await pipeline(source, createWriteStream(file, { mode: 0o600 }));
    return await readArchive(file, reference);
  } catch (error) {
    await rm(file, { force: true });
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** Finds the parts of a saved image. Throws `docker` when a layer is not in it. */
async function readArchive(path: string, reference: string): Promise<ImageArchive> {
  const file = await open(path);
  try {
    const entries = new Map((await indexTar(file)).map((entry) => [posix.normalize(entry.name), entry]));
    const find = (name: string): TarEntry => {
      let entry = entries.get(posix.normalize(name));
      // Engines before 25 write a layer that stands twice as a link to the first one.
      for (let hops = 0; entry?.link !== undefined && hops < 3; hops += 1) {
        entry = entries.get(posix.join(posix.dirname(entry.name), entry.link));
      }
      if (entry !== undefined) return entry;
      throw new SeawallError('docker', `the saved image ${reference} lacks ${name}`, {
        hint: `Get it anew: docker pull ${reference}`,
      });
    };
    const read = async (entry: TarEntry) => readBytes(file, entry.offset, entry.bytes);
    const manifest = JSON.parse((await read(find('manifest.json'))).toString()) as readonly SavedImage[];
    const image = manifest[0];
    if (image === undefined) throw new SeawallError('docker', `the saved image ${reference} is empty`);
    const config = await read(find(image.Config));
    const { rootfs } = JSON.parse(config.toString()) as { rootfs: { diff_ids?: readonly string[] } };
    const layers = (rootfs.diff_ids ?? []).map((diffId, index) => {
      const { offset, bytes } = find(image.Layers[index] ?? diffId);
      return { diffId, offset, bytes };
    });
    return {
      file: path,
      imageId: `sha256:${createHash('sha256').update(config).digest('hex')}`,
      config,
      layers,
    };
  } finally {
    await file.close();
  }
}

interface SavedImage {
  readonly Config: string;
  readonly Layers: readonly string[];
}

/**
 * A tar to load that holds the configuration and the layers from number `from` on; a host that has the ones below
 * (the same chain) accepts it in Docker's classic store. Measured on engines 20.10 and 28.5.
 */
export function packArchive(archive: ImageArchive, from: number, tag: string): Readable {
  const tar = pack();
  const configName = `${archive.imageId.slice('sha256:'.length)}.json`;
  const layerName = (layer: ArchiveLayer) => `${layer.diffId.slice('sha256:'.length)}/layer.tar`;
  const manifest = [{ Config: configName, RepoTags: [withTag(tag)], Layers: archive.layers.map(layerName) }];
  const write = async () => {
    tar.entry({ name: configName }, archive.config);
    const written = new Set<string>();
    for (const layer of archive.layers.slice(from)) {
      if (written.has(layer.diffId)) continue;
      written.add(layer.diffId);
      const entry = tar.entry({ name: layerName(layer), size: layer.bytes });
      if (layer.bytes === 0) {
        entry.end(Buffer.alloc(0));
        continue;
      }
      const end = layer.offset + layer.bytes - 1;
      await pipeline(createReadStream(archive.file, { start: layer.offset, end }), entry);
    }
    tar.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
    tar.finalize();
  };
  write().catch((error: unknown) => tar.destroy(error as Error));
  return tar as unknown as Readable;
}

/** Bytes of the layers from number `from` on. */
export function layerBytes(archive: ImageArchive, from: number): number {
  return archive.layers.slice(from).reduce((sum, layer) => sum + layer.bytes, 0);
}
