/** What somebody sees who comes to an edge over TLS. */
import type { IncomingHttpHeaders } from 'node:http';
import { request as requestPlain } from 'node:http';
import { request } from 'node:https';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';

/** Milliseconds for one answer. */
const patienceMs = 10_000;

/** The certificate that an edge shows for a name. */
export interface Shown {
  readonly issuer: string;
  readonly names: readonly string[];
  /** SHA-256 of the leaf, hexadecimal. */
  readonly fingerprint: string;
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Certificates that were sent. */
  readonly chainLength: number;
  readonly keyType: string;
  readonly protocol: string;
  readonly cipher: string;
  readonly alpn: string;
  /** Whether the chain leads to the trusted CAs and the name is right. */
  readonly isTrusted: boolean;
}

/** Shakes hands with an edge for a name. @throws when there is no handshake */
export function shown(edge: string, name: string, trust: string): Promise<Shown> {
  return new Promise((done, fail) => {
    const socket = connect({
      host: edge,
      port: 443,
      servername: name,
      ca: trust,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    socket.setTimeout(patienceMs, () => socket.destroy(new Error(`no handshake with ${edge} for ${name}`)));
    socket.on('error', fail);
    socket.on('secureConnect', () => {
      try {
        done(describe(socket));
      } catch (error) {
        fail(error);
      }
      socket.end();
    });
  });
}

function describe(socket: TLSSocket): Shown {
  const leaf = socket.getPeerCertificate(true);
  const { protocol, cipher, alpn } = {
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    alpn: String(socket.alpnProtocol),
  };
  return {
    issuer: String(leaf.issuer.CN),
    names: (leaf.subjectaltname ?? '').split(', ').map((name) => name.replace(/^DNS:/, '')),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    serial: leaf.serialNumber.toLowerCase(),
    notBefore: new Date(leaf.valid_from),
    notAfter: new Date(leaf.valid_to),
    chainLength: chainLength(leaf),
    keyType: leaf.asn1Curve ?? (leaf.bits === undefined ? 'unknown' : `RSA ${leaf.bits}`),
    protocol,
    cipher,
    alpn,
    isTrusted: socket.authorized,
  };
}

/** A certificate that is not among the sent ones, a trusted root, is found behind the last: it issued itself. */
function chainLength(leaf: DetailedPeerCertificate): number {
  let count = 1;
  let at = leaf;
  while (at.issuerCertificate !== undefined && at.issuerCertificate !== at) {
    at = at.issuerCertificate;
    if (at.issuerCertificate !== at) count += 1;
  }
  return count;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Port 80 without TLS. */
  readonly plain?: true;
}

/** One request to an edge on a connection of its own, whose certificate must be of the trusted CAs. */
export function ask(edge: string, name: string, trust: string, asked: Asked = {}): Promise<Answer> {
  const { path = '/', method = 'GET', headers = {}, plain } = asked;
  return new Promise((done, fail) => {
    const options = {
      host: edge,
      path,
      method,
      agent: false,
      timeout: patienceMs,
      headers: { host: name, ...headers },
    };
    const call = plain ? requestPlain(options) : request({ ...options, ca: trust, servername: name });
    call.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on('error', fail);
    });
    call.on('timeout', () => call.destroy(new Error(`no answer of ${edge} for ${name} within 10 s`)));
    call.on('error', fail);
    call.end();
  });
}

/** An answer that goes on (server-sent events of the shop), held open to see whether it does. */
export class OpenStream {
  #events = 0;
  #isOpen = true;
  readonly #end: () => void;

  private constructor(end: () => void) {
    this.#end = end;
  }

  static open(edge: string, name: string, trust: string): Promise<OpenStream> {
    return new Promise((done, fail) => {
      const headers = { host: name, accept: 'text/event-stream' };
      const call = request({ host: edge, path: '/sse', headers, agent: false, ca: trust, servername: name });
      const stream = new OpenStream(() => call.destroy());
      call.on('response', (response) => {
        response.on('data', (chunk: Buffer) => {
          stream.#events += chunk.toString().split('data: ').length - 1;
        });
        for (const event of ['end', 'error', 'close']) response.on(event, () => (stream.#isOpen = false));
        done(stream);
      });
      call.on('error', fail);
      call.end();
    });
  }

  get events(): number {
    return this.#events;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  close(): void {
    this.#end();
  }
}
