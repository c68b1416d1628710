import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';

/** Milliseconds for an answer over an open WebSocket. */
const echoTimeoutMs = 10_000;

/** A WebSocket to the echo of the shop (test/e2e/apps/shop), frame by frame (RFC 6455). */
export class EchoSocket {
  /** The replica at its other end. */
  readonly instance: string;
  readonly #socket: Socket;
  #received = '';
  #isOpen = true;

  private constructor(socket: Socket, instance: string) {
    this.instance = instance;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
    });
    for (const event of ['close', 'end', 'error'] as const) {
      socket.on(event, () => {
        this.#isOpen = false;
        socket.emit('ended');
      });
    }
  }

  static async open(address: string, host: string): Promise<EchoSocket> {
    const call = request({
      host: address,
      path: '/ws',
      agent: false,
      timeout: echoTimeoutMs,
      headers: {
        host,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    });
    const answered = Promise.race([
      once(call, 'upgrade'),
      once(call, 'response').then(([response]) => {
        throw new Error(`no upgrade but status ${response.statusCode}`);
      }),
    ]);
    call.on('timeout', () => call.destroy(new Error('no upgrade in time')));
    call.end();
    const [response, socket] = await answered;
    return new EchoSocket(socket, String(response.headers['x-instance']));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Sends a text and waits until it is back; whether it came. */
  async echo(text = randomBytes(12).toString('hex')): Promise<boolean> {
    if (!this.#isOpen) return false;
    // A mask of zeros leaves the text as it is.
    const head = Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]);
    this.#socket.write(Buffer.concat([head, Buffer.from(text)]));
    const signal = AbortSignal.timeout(echoTimeoutMs);
    try {
      while (this.#isOpen && !this.#received.includes(text))
        await Promise.race([once(this.#socket, 'data', { signal }), once(this.#socket, 'ended', { signal })]);
    } catch {
      return false;
    }
    const isBack = this.#received.includes(text);
    this.#received = '';
    return isBack;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** How many of them still answer. */
export const answering = async (sockets: readonly EchoSocket[]): Promise<number> =>
  (await Promise.all(sockets.map((socket) => socket.echo()))).filter(Boolean).length;
