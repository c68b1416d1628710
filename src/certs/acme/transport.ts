import http from 'node:http';
import https from 'node:https';
import { type AcmeError, type Asked, outage } from './error.ts';
import { failureOf } from './failure.ts';
import { isAllowed } from './url-rules.ts';

/** What every call takes. An abort makes it throw the signal's reason. */
export interface AcmeCall {
  readonly signal?: AbortSignal;
}

export interface HttpRequest extends AcmeCall {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** A signed body (RFC 8555 section 6.2). */
  readonly body?: string;
  readonly accept?: string;
  /** Whether nothing happens twice if it is sent twice; only then a kept connection is used. */
  readonly isRepeatable: boolean;
  readonly what: string;
}

export interface HttpAnswer {
  /** After redirects of a GET. */
  readonly url: string;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

export interface TransportOptions {
  readonly directory: string;
  /** PEM of the only authorities that are trusted; absent: those that Node trusts. */
  readonly trust?: string;
  readonly userAgent: string;
  /** Milliseconds that a request may take with its answer. */
  readonly timeoutMs: number;
}

const MOST_BYTES = 1024 * 1024;
const MOST_REDIRECTS = 3;
/** Connections are kept this long between the requests of one order; CAs close theirs later. */
const IDLE_MS = 4_000;

/** HTTPS to one ACME server: bodies are bounded, only a GET follows redirects, plain HTTP goes to loopback only. */
export class AcmeTransport {
  readonly #options: TransportOptions;
  readonly #pool: http.Agent;

  constructor(options: TransportOptions) {
    this.#options = options;
    const settings = { keepAlive: true, timeout: IDLE_MS, maxSockets: 8 };
    this.#pool = options.directory.startsWith('http:') ? new http.Agent(settings) : new https.Agent(settings);
  }

  close(): void {
    this.#pool.destroy();
  }

  /**
   * One request and its whole answer, whatever the status.
   * @throws AcmeError when there is none: `unreachable`, `timeout`, `refused` for a certificate that is not trusted or an address that is not HTTPS.
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    request.signal?.throwIfAborted();
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    const timer = setTimeout(abort, this.#options.timeoutMs);
    request.signal?.addEventListener('abort', abort, { once: true });
    try {
      return await this.#follow(request, stop.signal);
    } catch (error) {
      if (request.signal?.aborted === true) throw request.signal.reason;
      const asked = this.#asked(request);
      throw failureOf(error, asked, stop.signal.aborted ? this.#options.timeoutMs : undefined);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', abort);
    }
  }

  async #follow(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    let { url } = request;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
      if (!isAllowed(url, this.#options.directory)) throw this.#unsafe(url, request);
      const answer = await this.#repeat({ ...request, url }, signal);
      const { location } = answer.headers;
      const isRedirect = answer.status >= 300 && answer.status < 400;
      if (!isRedirect) return answer;
      // A signed request is meant for one address (RFC 8555 section 6.4).
      if (request.method === 'POST' || location === undefined || !URL.canParse(location, url)) break;
      url = new URL(location, url).href;
    }
    throw outage(this.#asked(request), 'answered with a redirect that is not followed');
  }

  async #repeat(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#once(request, signal);
    } catch (error) {
      // The server may close a kept connection in the moment in which it is used again.
      if (error instanceof StaleConnection && !signal.aborted) return this.#once(request, signal);
      throw error;
    }
  }

  #once(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { url, body } = request;
    const open = url.startsWith('http:') ? http.request : https.request;
    return new Promise((resolve, reject) => {
      const outgoing = open(url, this.#settings(request, signal), (incoming) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes > MOST_BYTES) incoming.destroy(outage(this.#asked(request), 'answered more than 1 MiB'));
        });
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ url, status: incoming.statusCode ?? 0, headers: incoming.headers, text });
        });
      });
      outgoing.on('error', (error) => {
        const isStale = request.isRepeatable && outgoing.reusedSocket;
        reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
      });
      outgoing.end(body);
    });
  }

  #settings(request: HttpRequest, signal: AbortSignal): https.RequestOptions {
    const { method, url, body, accept, isRepeatable } = request;
    const { trust, userAgent, directory } = this.#options;
    const isPooled = isRepeatable && new URL(url).protocol === new URL(directory).protocol;
    return {
      method,
      signal,
      agent: isPooled ? this.#pool : false,
      ...(trust === undefined ? {} : { ca: trust }),
      headers: {
        // RFC 8555 section 6.1: clients must name themselves, and should say which language.
        'User-Agent': userAgent,
        'Accept-Language': 'en',
        Accept: accept ?? 'application/json',
        ...(body === undefined
          ? {}
          : { 'Content-Type': 'application/jose+json', 'Content-Length': Buffer.byteLength(body) }),
      },
    };
  }

  #unsafe(url: string, request: HttpRequest): AcmeError {
    const shown = URL.canParse(url) ? new URL(url).origin : 'what is no URL';
    return outage(this.#asked(request), `leads to ${shown}, and only https is spoken with a CA`);
  }

  #asked({ what }: HttpRequest): Asked {
    return { directory: this.#options.directory, what };
  }
}

class StaleConnection extends Error {}
