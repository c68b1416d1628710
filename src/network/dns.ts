import type { Socket as UdpSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import { reportOnce } from '../report-once.ts';
import { bindUdp, listenTcp, retryUntilBound } from './bind.ts';
import { decodeQuery, encodeFailure, encodeReply, encodeServerFailure } from './dns-message.ts';
import { frame, unframe } from './forward.ts';
import type { Question, Reply } from './names.ts';
import { DNS_PORT } from './ports.ts';

export interface NamesServerOptions {
  /** The host's private address; waited for when it is not there yet. */
  readonly address: string;
  /** Default 53. */
  readonly port?: number;
  readonly answer: (question: Question) => Reply;
  /** What these resolvers say to a query, or the host's when none are given; `undefined`: nothing. */
  readonly forward: (
    query: Buffer,
    transport: 'udp' | 'tcp',
    resolvers?: readonly string[],
  ) => Promise<Buffer | undefined>;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Puts addresses in another order each time; default: at random. */
  readonly shuffle?: (addresses: readonly string[]) => string[];
}

const CONNECTIONS = 256;
const IDLE_MS = 10_000;

/** The resolver that containers of this host ask: UDP and TCP on the private address. */
export class NamesServer {
  readonly #options: NamesServerOptions;
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;
  readonly #onFailure: (error: unknown) => void;

  constructor(options: NamesServerOptions) {
    this.#options = options;
    this.#onFailure = reportOnce((text) => options.log(`error names: answering: ${text}`)).report;
    options.signal.addEventListener('abort', () => this.#close(), { once: true });
  }

  get isListening(): boolean {
    return this.#udp !== undefined && this.#tcp !== undefined;
  }

  /** @returns when both sockets are bound, or the signal is aborted. */
  async start(): Promise<void> {
    const { address, port = DNS_PORT, signal, log } = this.#options;
    const onError = reportOnce((text) =>
      log(`warn names: cannot listen on ${address}:${port} yet: ${text}`),
    ).report;
    this.#udp = await retryUntilBound(() => bindUdp(address, port), { signal, onError });
    // Errors of single datagrams (an asker that has gone) are no reason to stop.
    this.#udp?.on('error', onError);
    this.#udp?.on('message', (message, from) => {
      // Nobody listens on port 0, and Node throws rather than to send there.
      if (from.port !== 0) this.#answerUdp(message, from).catch(this.#onFailure);
    });
    this.#tcp = await retryUntilBound(() => listenTcp(address, port, (socket) => this.#serveTcp(socket)), {
      signal,
      onError,
    });
    if (this.#tcp !== undefined) this.#tcp.maxConnections = CONNECTIONS;
    if (signal.aborted) this.#close();
    else log(`info names: listening on ${address}:${port}`);
  }

  async #answerUdp(
    message: Buffer,
    from: { readonly address: string; readonly port: number },
  ): Promise<void> {
    const answer = await this.#respond(message, from.address, 'udp');
    if (answer !== undefined && !this.#options.signal.aborted)
      this.#udp?.send(answer, from.port, from.address, () => undefined);
  }

  #serveTcp(socket: Socket): void {
    let received = Buffer.alloc(0);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const { messages, rest } = unframe(Buffer.concat([received, chunk]));
      received = Buffer.from(rest);
      for (const message of messages) {
        this.#respond(message, socket.remoteAddress ?? '', 'tcp')
          .then((answer) => {
            if (answer !== undefined && !socket.destroyed) socket.write(frame(answer));
          })
          .catch(this.#onFailure);
      }
    });
  }

  /** Never rejects: a query that breaks something is answered with a failure. */
  async #respond(message: Buffer, source: string, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const { answer, forward, log, shuffle = shuffled } = this.#options;
    const query = decodeQuery(message);
    if (query === undefined) return undefined;
    if (typeof query === 'string') return encodeFailure(message, query);
    try {
      const reply = answer({ source, name: query.name, type: query.type });
      if (reply.kind === 'forward') {
        return (await forward(message, transport, reply.resolvers)) ?? encodeServerFailure(query);
      }
      const mixed = reply.kind === 'addresses' ? { ...reply, addresses: shuffle(reply.addresses) } : reply;
      return encodeReply(query, mixed, transport);
    } catch (error) {
      log(`error names: answering ${JSON.stringify(query.name)}: ${String(error)}`);
      return encodeFailure(message, 'server-failure');
    }
  }

  #close(): void {
    this.#udp?.close();
    this.#tcp?.close();
    this.#udp = undefined;
    this.#tcp = undefined;
  }
}

function shuffled(addresses: readonly string[]): string[] {
  return addresses
    .map((address) => ({ address, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map((one) => one.address);
}
