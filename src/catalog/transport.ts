import http from 'node:http';
import https from 'node:https';
import { CATALOG_TLS_NAME } from '../cluster.ts';
import { describeError, SeawallError } from '../errors.ts';

/** Where a catalog answers and how a client proves itself to it and it to the client. */
export interface CatalogConnection {
  /** TCP place, or a unix socket that leads there (a forwarding of ssh). */
  readonly target: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  /** PEM, the only certificate (or authority) that is trusted. Not used with `http`. */
  readonly certificate?: string;
  /** Name that the server's certificate must carry; default {@link CATALOG_TLS_NAME}. */
  readonly serverName?: string;
  /** Sent in the header X-Consul-Token only, never in an URL. */
  readonly token: string;
  /** Default `https`. */
  readonly scheme?: 'https' | 'http';
  /** Of the catalog that is meant; one of an older epoch is refused. Absent: any (and a real Consul has none). */
  readonly epoch?: number;
}

/** Header of requests and answers: which catalog is meant, and which one answers. */
export const EPOCH_HEADER = 'x-seawall-epoch';

/** What every call takes. An abort makes it throw the signal's reason. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds until the call fails as unreachable; default 10000, for a blocking read on top of its wait. */
  readonly timeoutMs?: number;
}

export interface CatalogRequest extends CallOptions {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Such as `/v1/kv/a/b`, already percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: string;
}

export interface CatalogResponse {
  readonly status: number;
  /** `X-Consul-Index`; 0 when the answer has none. */
  readonly index: number;
  /** Of the catalog that answered; absent when it does not say. */
  readonly epoch?: number;
  readonly text: string;
}

const CALL_TIMEOUT_MS = 10_000;
/** A peer that vanished without a FIN is noticed after this plus about ten probes of a second (libuv). */
const TCP_KEEPALIVE_MS = 5_000;

/** Keeps connections to one catalog and speaks HTTP over them; many calls may be under way at once. */
export class CatalogTransport {
  #connection: CatalogConnection;
  #agent: http.Agent;
  readonly #send: typeof http.request;
  #failingSince: number | undefined;
  readonly #underWay = new Set<AbortController>();

  constructor(connection: CatalogConnection) {
    this.#connection = connection;
    this.#agent = poolFor(connection);
    this.#send = connection.scheme === 'http' ? http.request : https.request;
  }

  /** performance.now() of the first failure since the last answer; absent while calls succeed. */
  get failingSince(): number | undefined {
    return this.#failingSince;
  }

  /** Turns to another place of the same catalog. Calls under way fail, and are repeated by whoever watches. */
  move(connection: CatalogConnection): void {
    const gone = new SeawallError('unreachable', `the catalog is not at ${this.place} any more`, {
      hint: HINT,
    });
    this.#connection = connection;
    this.#agent.destroy();
    this.#agent = poolFor(connection);
    this.#failingSince = undefined;
    // Destroying the pool does not reach those that are still waiting for their socket.
    for (const call of this.#underWay) call.abort(gone);
  }

  /** Such as `10.208.16.1:8500`; for messages. */
  get place(): string {
    const { target } = this.#connection;
    return 'socketPath' in target ? target.socketPath : `${target.host}:${target.port}`;
  }

  /** Closes idle connections and breaks those in use. */
  close(): void {
    this.#agent.destroy();
  }

  /**
   * One request and its whole answer, whatever the status.
   * @throws SeawallError `unreachable`, or `refused` when the other side is not this cluster's catalog.
   */
  async request(request: CatalogRequest): Promise<CatalogResponse> {
    const { signal } = request;
    signal?.throwIfAborted();
    const timeoutMs = request.timeoutMs ?? CALL_TIMEOUT_MS;
    // By hand and undone at the end: a watch makes requests for years under one and the same signal.
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    const timer = setTimeout(abort, timeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    this.#underWay.add(stop);
    try {
      const response = await this.#exchange(request, stop.signal);
      this.#refuseOlder(response);
      this.#failingSince = undefined;
      return response;
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (stop.signal.reason instanceof SeawallError) throw stop.signal.reason;
      this.#failingSince ??= performance.now();
      if (error instanceof SeawallError) throw error;
      if (stop.signal.aborted) throw this.#silent(timeoutMs, error);
      throw this.#failure(error);
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(stop);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** A host that was away may still hold the catalog as it was then: what it says must not count. */
  #refuseOlder({ epoch }: CatalogResponse): void {
    const { epoch: own } = this.#connection;
    if (own === undefined || epoch === undefined || epoch >= own) return;
    throw new SeawallError(
      'unreachable',
      `what answers at ${this.place} is the catalog of epoch ${epoch}, now it is ${own}`,
      { hint: 'That host learns of the new place by itself within seconds; see: seawall catalog status' },
    );
  }

  async #exchange(request: CatalogRequest, signal: AbortSignal): Promise<CatalogResponse> {
    try {
      return await this.#once(request, signal);
    } catch (error) {
      // The server may close an idle connection in the moment in which it is used again: nothing was lost, ask anew.
      if (request.method === 'GET' && error instanceof ReusedSocketError && !signal.aborted)
        return this.#once(request, signal);
      throw error;
    }
  }

  #once(request: CatalogRequest, signal: AbortSignal): Promise<CatalogResponse> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#send(this.#options(request, signal), (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const index = Number(incoming.headers['x-consul-index'] ?? 0);
          const epoch = Number(incoming.headers[EPOCH_HEADER] ?? Number.NaN);
          resolve({
            ...(Number.isSafeInteger(epoch) ? { epoch } : {}),
            status: incoming.statusCode ?? 0,
            index: Number.isSafeInteger(index) ? index : 0,
            text: Buffer.concat(chunks).toString('utf8'),
          });
        });
      });
      outgoing.on('socket', (socket) => socket.setKeepAlive(true, TCP_KEEPALIVE_MS));
      outgoing.on('error', (error) => reject(outgoing.reusedSocket ? new ReusedSocketError(error) : error));
      outgoing.end(request.body);
    });
  }

  #options(request: CatalogRequest, signal: AbortSignal): https.RequestOptions {
    const { target, certificate, serverName, token, scheme, epoch } = this.#connection;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const search = query.size === 0 ? '' : `?${query}`;
    const headers: Record<string, string | number> = {
      'X-Consul-Token': token,
      'Content-Length': Buffer.byteLength(request.body ?? ''),
      ...(epoch === undefined ? {} : { [EPOCH_HEADER]: epoch }),
    };
    const tls =
      scheme === 'http'
        ? {}
        : {
            servername: serverName ?? CATALOG_TLS_NAME,
            ...(certificate === undefined ? {} : { ca: certificate }),
          };
    return {
      ...target,
      ...tls,
      agent: this.#agent,
      method: request.method,
      path: request.path + search,
      headers,
      signal,
    };
  }

  #silent(timeoutMs: number, cause: unknown): SeawallError {
    return new SeawallError(
      'unreachable',
      `the catalog at ${this.place} did not answer within ${Math.round(timeoutMs)} ms`,
      { hint: HINT, cause },
    );
  }

  #failure(error: unknown): SeawallError {
    const cause = error instanceof ReusedSocketError ? error.cause : error;
    if (isForeignCertificate(cause)) {
      return new SeawallError(
        'refused',
        `what answers at ${this.place} is not this cluster's catalog (${describeError(cause)})`,
        {
          hint: "Compare the catalog's address and certificate in /etc/seawall/cluster.json with those of another host.",
          cause,
        },
      );
    }
    return new SeawallError('unreachable', `the catalog at ${this.place} does not answer`, {
      hint: HINT,
      cause,
    });
  }
}

const HINT =
  "See whether the container seawall-server runs on the catalog's host: docker logs seawall-server";

function poolFor({ scheme }: CatalogConnection): http.Agent {
  const pool = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 64 };
  return scheme === 'http' ? new http.Agent(pool) : new https.Agent(pool);
}

class ReusedSocketError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** Codes of OpenSSL's verification (node:tls, "X509 certificate error codes") that mean another key or name. */
function isForeignCertificate(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/.test(
    code,
  );
}
