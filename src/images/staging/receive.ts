import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SeawallError } from '../../errors.ts';
import type { LayerFolder } from './folder.ts';
import type { ReceiveOrder } from './orders.ts';

/** Milliseconds without a byte after which the operator counts as gone. */
const idleMs = 120_000;

/** Writes the layers that come in; those before a cut stay. `onBytes` gets how many arrived in all, unpacked. */
export async function receiveLayers(
  order: ReceiveOrder,
  folder: LayerFolder,
  input: Readable,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const unpacked = createGunzip();
  input.on('error', (error) => unpacked.destroy(error));
  input.pipe(unpacked);
  const source = new ByteSource(unpacked, onBytes);
  for (const { diffId, bytes, from } of order.layers)
    await folder.add(diffId, from, source.take(bytes - from));
}

/** Cuts a stream into pieces of known length. */
class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #onBytes: (bytes: number) => void;
  readonly #giveUp: () => void;
  #rest: Buffer = Buffer.alloc(0);
  #taken = 0;

  constructor(stream: Readable, onBytes: (bytes: number) => void) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#onBytes = onBytes;
    this.#giveUp = () => stream.destroy(new SeawallError('timeout', 'the sender went silent'));
  }

  async *take(bytes: number): AsyncGenerator<Buffer> {
    for (let missing = bytes; missing > 0; ) {
      if (this.#rest.byteLength === 0) this.#rest = await this.#next();
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.byteLength);
      missing -= piece.byteLength;
      this.#taken += piece.byteLength;
      this.#onBytes(this.#taken);
      yield piece;
    }
  }

  async #next(): Promise<Buffer> {
    const timer = setTimeout(this.#giveUp, idleMs);
    try {
      const { value, done } = await this.#chunks.next();
      if (done === true) throw new SeawallError('unreachable', 'the transfer was cut');
      return value;
    } finally {
      clearTimeout(timer);
    }
  }
}
