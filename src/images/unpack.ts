import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

/** Content of a layer, and whether it was compressed (RFC 1952 section 2.3.1, RFC 8878 section 3.1.1). */
export interface Unpacked {
  readonly isPacked: boolean;
  readonly content: AsyncIterable<Buffer>;
}

/** A layer's own bytes, however it is stored. `first` was read from the beginning of it. */
export function unpackedStream(first: Buffer, rest: AsyncIterable<Buffer>): Unpacked {
  const all = (async function* () {
    yield first;
    yield* rest;
  })();
  const packing = packingOf(first);
  if (packing === undefined) return { isPacked: false, content: all };
  const unpack = packing === 'gzip' ? createGunzip() : createZstdDecompress();
  const source = Readable.from(all, { objectMode: false });
  source.on('error', (error) => unpack.destroy(error));
  return { isPacked: true, content: source.pipe(unpack) };
}

export function packingOf(first: Buffer): 'gzip' | 'zstd' | undefined {
  if (first[0] === 0x1f && first[1] === 0x8b) return 'gzip';
  if (first.byteLength >= 4 && first.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  return undefined;
}
