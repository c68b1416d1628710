/** A WebSocket over TLS to the echo of the shop, frame by frame (RFC 6455). */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import type { Socket } from 'node:net';

const patienceMs = 10_000;

export class TlsSocket {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      socket.emit('more');
    });
  }

  static open(edge: string, name: string, trust: string): Promise<TlsSocket> {
    return new Promise((done, fail) => {
      const headers = {
        host: name,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      };
      const to = { host: edge, path: '/ws', ca: trust, servername: name, ALPNProtocols: ['http/1.1'] };
      const call = request({ ...to, headers, agent: false, timeout: patienceMs });
      call.on('upgrade', (_response, socket: Socket) => done(new TlsSocket(socket)));
      call.on('response', ({ statusCode }) => fail(new Error(`no upgrade but status ${statusCode}`)));
      call.on('timeout', () => call.destroy(new Error('no upgrade in time')));
      call.on('error', fail);
      call.end();
    });
  }

  /** Sends up to 125 characters and returns what comes back. @throws when nothing does */
  async echo(text: string): Promise<string> {
    const payload = Buffer.from(text);
    const mask = randomBytes(4);
    const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    this.#received = Buffer.alloc(0);
    this.#socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, masked]));
    const signal = AbortSignal.timeout(patienceMs);
    while (this.#received.length < payload.length + 2) await once(this.#socket, 'more', { signal });
    return this.#received.subarray(2, payload.length + 2).toString();
  }

  close(): void {
    this.#socket.destroy();
  }
}
