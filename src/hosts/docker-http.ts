import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SeawallError } from '../errors.ts';
import { connectionError, DockerError } from './docker-error.ts';

/** Milliseconds until Docker must have begun its answer, where a call does not say otherwise. */
const answerTimeoutMs = 60_000;
const oldestApi = [1, 41] as const;
const newestApi = [1, 51] as const;

export interface EngineRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  /** Path below the version, such as `/containers/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, as a tar archive. */
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the answer must have begun; 0: no limit. */
  readonly timeoutMs?: number;
  /** Statuses besides 2xx that are no error. */
  readonly accept?: readonly number[];
}

type QueryValue = string | number | boolean | undefined | readonly string[];

/** HTTP to one Docker Engine over a unix socket: keep-alive, version negotiated, errors as {@link DockerError}. */
export class DockerHttp {
  readonly socketPath: string;
  readonly where: string;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 4 });
  #version: Promise<string> | undefined;

  constructor(socketPath: string, where: string) {
    this.socketPath = socketPath;
    this.where = where;
  }

  /** Lets go of idle connections; running streams end by their own signals. */
  close(): void {
    this.#agent.destroy();
  }

  /** The API version that both sides speak, at most 1.51; asked for anew after the engine refused it. Throws `refused` for an engine older than 20.10. */
  apiVersion(signal?: AbortSignal): Promise<string> {
    this.#version ??= this.#negotiate(signal).catch((error: unknown) => {
      this.#version = undefined;
      throw error;
    });
    return this.#version;
  }

  async #negotiate(signal?: AbortSignal): Promise<string> {
    const response = await this.#send({ path: '/_ping', signal }, '');
    response.resume();
    const [major = 0, minor = 0] = String(response.headers['api-version'] ?? '')
      .split('.')
      .map(Number);
    if (major !== 1 || minor < oldestApi[1]) {
      throw new SeawallError('refused', `Docker speaks API ${major}.${minor}, too old for Seawall`, {
        where: this.where,
        hint: 'Install Docker Engine 20.10 or newer.',
      });
    }
    return `1.${Math.min(minor, newestApi[1])}`;
  }

  /** The answer's JSON. */
  async json<T>(request: EngineRequest): Promise<T> {
    const text = await this.text(request);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** The answer's body. */
  async text(request: EngineRequest): Promise<string> {
    const response = await this.open(request);
    try {
      return await bodyText(response);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw connectionError(error, this.socketPath, this.where);
    }
  }

  /** The answer as a stream, its status checked. */
  async open(request: EngineRequest): Promise<IncomingMessage> {
    const version = await this.apiVersion(request.signal);
    const response = await this.#send(request, `/v${version}`);
    await this.#check(request, response);
    return response;
  }

  async #check(request: EngineRequest, response: IncomingMessage): Promise<void> {
    const status = response.statusCode ?? 0;
    if ((status >= 200 && status < 300) || request.accept?.includes(status)) return;
    const message = engineMessage(await bodyText(response), status);
    // The engine was replaced under this process; it has no other way to say so.
    if (status === 400 && /client version \S+ is too (old|new)/.test(message)) this.#version = undefined;
    throw new DockerError(status, message, { where: this.where });
  }

  async #send(request: EngineRequest, prefix: string): Promise<IncomingMessage> {
    const mayRepeat = (request.method ?? 'GET') === 'GET';
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#sendOnce(request, prefix);
      } catch (error) {
        request.signal?.throwIfAborted();
        // A kept connection may have been closed by the engine just when it was taken again.
        if (mayRepeat && attempt === 1 && (error as { reused?: boolean }).reused) continue;
        throw connectionError(error, this.socketPath, this.where);
      }
    }
  }

  #sendOnce(request: EngineRequest, prefix: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({ ...this.#options(request, prefix), agent: this.#agent });
      const timer = this.#limit(request, (error) => outgoing.destroy(error));
      outgoing.on('response', (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      outgoing.on('error', (error) => {
        clearTimeout(timer);
        reject(Object.assign(error, { reused: outgoing.reusedSocket && isReset(error) }));
      });
      if (request.stream === undefined) outgoing.end(jsonBody(request));
      // An answer that comes early (an error) ends the pipeline; the answer tells why.
      else pipeline(request.stream, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
    });
  }

  /**
   * Sends a request that Docker turns into a plain two-way byte stream (attach, exec).
   * Ending the returned stream ends the program's input.
   */
  async hijack(request: EngineRequest): Promise<Duplex> {
    const version = await this.apiVersion(request.signal);
    return new Promise((resolve, reject) => {
      const options = this.#options(request, `/v${version}`);
      const headers = { ...options.headers, Connection: 'Upgrade', Upgrade: 'tcp' };
      const outgoing = httpRequest({ ...options, headers, agent: false });
      const timer = this.#limit(request, (error) => outgoing.destroy(error));
      outgoing.on('upgrade', (_response, socket, head) => {
        clearTimeout(timer);
        if (head.byteLength > 0) socket.unshift(head);
        endOnAbort(socket, request.signal);
        resolve(socket);
      });
      outgoing.on('response', (response) => {
        clearTimeout(timer);
        const missing = new SeawallError('docker', 'Docker did not open a stream', { where: this.where });
        this.#check(request, response).then(() => reject(missing), reject);
      });
      outgoing.on('error', (error) => {
        clearTimeout(timer);
        reject(
          request.signal?.aborted
            ? request.signal.reason
            : connectionError(error, this.socketPath, this.where),
        );
      });
      outgoing.end(jsonBody(request));
    });
  }

  #options(request: EngineRequest, prefix: string): RequestOptions {
    const body = request.body === undefined ? {} : { 'Content-Type': 'application/json' };
    const stream = request.stream === undefined ? {} : { 'Content-Type': 'application/x-tar' };
    return {
      socketPath: this.socketPath,
      method: request.method ?? 'GET',
      path: `${prefix}${request.path}${queryText(request.query ?? {})}`,
      headers: { Host: 'docker', ...body, ...stream, ...request.headers },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
  }

  #limit(request: EngineRequest, end: (error: Error) => void): NodeJS.Timeout | undefined {
    const limitMs = request.timeoutMs ?? answerTimeoutMs;
    if (limitMs === 0) return undefined;
    const what = `Docker did not answer ${request.method ?? 'GET'} ${request.path} within ${limitMs / 1000} s`;
    return setTimeout(() => end(new SeawallError('timeout', what, { where: this.where })), limitMs);
  }
}

function isReset(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function endOnAbort(stream: Duplex, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const end = () => stream.destroy();
  signal.addEventListener('abort', end, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', end));
}

function jsonBody(request: EngineRequest): string | undefined {
  return request.body === undefined ? undefined : JSON.stringify(request.body);
}

function queryText(query: Readonly<Record<string, QueryValue>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value]) parameters.append(name, String(item));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

async function bodyText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function engineMessage(body: string, status: number): string {
  try {
    const message = (JSON.parse(body) as { message?: unknown }).message;
    if (typeof message === 'string' && message !== '') return message;
  } catch {
    // Some answers are plain text; it stands for itself.
  }
  return body.trim() === '' ? `Docker answered with status ${status}` : body.trim().slice(0, 500);
}
