import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/**
 * A layer's own bytes, however it is stored. `first` was read from the beginning of it: 4 bytes at least, where it has
 * them. A packed one begins to be read at once.
 */
export function unpackedStream(first: Buffer, rest: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const all = (async function* () {
    yield first;
    yield* rest;
  })();
  const packing = packingOf(first);
  if (packing === undefined) return all;
  const unpack = packing === 'gzip' ? createGunzip() : createZstdDecompress();
  const source = Readable.from(all, { objectMode: false });
  source.on('error', (error) => unpack.destroy(error));
  return source.pipe(unpack);
}

/** How a layer is compressed that begins with these bytes (RFC 1952 section 2.3.1, RFC 8878 section 3.1.1). */
export function packingOf(first: Buffer): 'gzip' | 'zstd' | undefined {
  if (first[0] === 0x1f && first[1] === 0x8b) return 'gzip';
  if (first.byteLength >= 4 && first.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  return undefined;
}
