import { createSocket } from 'node:dgram';
import { readFile, stat } from 'node:fs/promises';
import { connect, isIP, isIPv6 } from 'node:net';

/** Milliseconds that one resolver is waited for. */
const RESOLVER_TIMEOUT_MS = 2_000;
/** Look-ups under way at once; more are answered with a failure. */
const LOOKUPS_AT_ONCE = 256;
/** As the C library (MAXNS of resolv.h). */
const RESOLVERS = 3;

/** Resolvers in the text of a resolv.conf, without our own address: that would ask ourselves. */
export function parseResolvers(text: string, ownAddress: string): string[] {
  const found = text.split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  return found
    .filter((address) => isIP(address.split('%')[0] ?? '') !== 0 && address !== ownAddress)
    .slice(0, RESOLVERS);
}

/** Passes queries as they are to the host's resolvers. */
export class Forwarder {
  readonly #path: string;
  readonly #ownAddress: string;
  readonly #port: number;
  #resolvers: readonly string[] = [];
  #read = '';
  #underWay = 0;

  /** @param path of the resolv.conf; read again when it changes */
  constructor(path: string, ownAddress: string, port = 53) {
    this.#path = path;
    this.#ownAddress = ownAddress;
    this.#port = port;
  }

  /**
   * @param resolvers to ask instead of the host's
   * @returns the answer as it came; `undefined`: no resolver answered. Never throws.
   */
  async ask(
    query: Buffer,
    transport: 'udp' | 'tcp',
    resolvers?: readonly string[],
  ): Promise<Buffer | undefined> {
    if (this.#underWay >= LOOKUPS_AT_ONCE) return undefined;
    this.#underWay += 1;
    try {
      if (resolvers === undefined) await this.#refresh();
      for (const resolver of resolvers?.slice(0, RESOLVERS) ?? this.#resolvers) {
        const answer = await (transport === 'udp' ? askUdp : askTcp)(resolver, this.#port, query);
        if (answer !== undefined) return answer;
      }
      return undefined;
    } finally {
      this.#underWay -= 1;
    }
  }

  async #refresh(): Promise<void> {
    try {
      const { mtimeMs, ino } = await stat(this.#path);
      const mark = `${mtimeMs} ${ino}`;
      if (mark === this.#read) return;
      this.#resolvers = parseResolvers(await readFile(this.#path, 'utf8'), this.#ownAddress);
      this.#read = mark;
    } catch {
      // Being replaced at the moment: the last known ones are as good.
    }
  }
}

function askUdp(resolver: string, port: number, query: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(resolver) ? 'udp6' : 'udp4');
    const end = (answer?: Buffer) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(end, RESOLVER_TIMEOUT_MS, undefined);
    socket.once('error', () => end());
    // A connected socket takes packets of this resolver only.
    // The callback of `connect` is called for a failure too; the event is not.
    socket.once('connect', () => socket.send(query));
    socket.connect(port, resolver);
    socket.on('message', (message) => {
      if (message.length >= 12 && message.readUInt16BE(0) === query.readUInt16BE(0)) end(message);
    });
  });
}

function askTcp(resolver: string, port: number, query: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: resolver, port, timeout: RESOLVER_TIMEOUT_MS });
    let received = Buffer.alloc(0);
    const end = (answer?: Buffer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(end, RESOLVER_TIMEOUT_MS, undefined);
    socket.on('error', () => end());
    socket.on('close', () => end());
    socket.on('connect', () => socket.write(frame(query)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const [message] = unframe(received).messages;
      if (message !== undefined) end(message);
    });
  });
}

/** RFC 1035 section 4.2.2: over TCP two bytes of length go before each message. */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Whole messages at the beginning of a stream, and what is left. */
export function unframe(stream: Buffer): { readonly messages: readonly Buffer[]; readonly rest: Buffer } {
  const messages: Buffer[] = [];
  let rest = stream;
  while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const end = 2 + rest.readUInt16BE(0);
    messages.push(rest.subarray(2, end));
    rest = rest.subarray(end);
  }
  return { messages, rest };
}
