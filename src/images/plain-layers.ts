import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { ArchiveLayer, ImageArchive } from './archive.ts';
import { countBytes } from './count-bytes.ts';
import type { Layer } from './staging/orders.ts';
import { packingOf, unpackedStream } from './unpack.ts';

/** A layer's own bytes in a file. */
export interface PlainLayer extends Layer {
  readonly file: string;
  readonly offset: number;
}

/** The layers of an archive as the digests in the configuration mean them; packed ones are unpacked beside the archive. */
export async function plainLayers(archive: ImageArchive): Promise<readonly PlainLayer[]> {
  const plain = new Map<string, PlainLayer>();
  for (const layer of archive.layers) {
    if (!plain.has(layer.diffId)) plain.set(layer.diffId, await plainLayer(archive.file, layer));
  }
  return archive.layers.flatMap(({ diffId }) => plain.get(diffId) ?? []);
}

async function plainLayer(file: string, layer: ArchiveLayer): Promise<PlainLayer> {
  const { diffId, offset, bytes } = layer;
  if (bytes === 0 || packingOf(await firstBytes(file, offset)) === undefined) {
    return { diffId, bytes, file, offset };
  }
  const unpacked = `${file}.${diffId.slice('sha256:'.length)}`;
  const packed = createReadStream(file, { start: offset, end: offset + bytes - 1 });
  const chunks = packed[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await chunks.next();
  const content = unpackedStream(first.value as Buffer, { [Symbol.asyncIterator]: () => chunks });
  await pipeline(Readable.from(content, { objectMode: false }), createWriteStream(unpacked, { mode: 0o600 }));
  return { diffId, bytes: (await stat(unpacked)).size, file: unpacked, offset: 0 };
}

async function firstBytes(path: string, offset: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What the order to receive is followed by: each layer from byte `from` on, all of it gzip'd. */
export function packLayers(
  layers: readonly (PlainLayer & { readonly from: number })[],
  onWireBytes: (bytes: number) => void,
): Readable {
  const all = (async function* () {
    for (const { file, offset, bytes, from } of layers) {
      if (from < bytes) yield* createReadStream(file, { start: offset + from, end: offset + bytes - 1 });
    }
  })();
  const wire = countBytes(onWireBytes);
  const packed = createGzip({ level: constants.Z_BEST_SPEED });
  pipeline(Readable.from(all, { objectMode: false }), packed, wire).catch(() => {});
  return wire;
}
