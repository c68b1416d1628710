import { Transform } from 'node:stream';

/** Passes bytes on and tells how many each time. */
export function countBytes(onBytes: (bytes: number) => void): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk.byteLength);
      done(null, chunk);
    },
  });
}
