import type { z } from 'zod';
import { SeawallError } from '../errors.ts';
import type { Answer } from './entry.ts';
import type { CallOptions, CatalogRequest, CatalogResponse, CatalogTransport } from './transport.ts';

/** Of a read. With `index` it waits until something newer is there, `waitMs` long at the most (default 5 minutes). */
export interface ReadOptions extends CallOptions {
  readonly index?: number;
  readonly waitMs?: number;
}

/** The forms that Consul's calls have: what is sent, which statuses are answers, what shape comes back. */
export class CatalogCalls {
  readonly #transport: CatalogTransport;

  constructor(transport: CatalogTransport) {
    this.#transport = transport;
  }

  /** @param absent value of a 404, which is an answer too, with an index to wait on. */
  async read<T>(
    path: string,
    query: Record<string, string>,
    schema: z.ZodType<T>,
    absent: T,
    options: ReadOptions,
  ): Promise<Answer<T>> {
    const { index, waitMs, timeoutMs = 10_000, ...call } = options;
    const blocking = index !== undefined && index > 0;
    const wait = blocking ? (waitMs ?? 300_000) : 0;
    const response = await this.#transport.request({
      method: 'GET',
      path,
      query: blocking ? { ...query, index, wait: `${wait}ms` } : query,
      // Consul adds up to a sixteenth to the wait, so that its watchers do not all come back at once.
      timeoutMs: wait + wait / 16 + timeoutMs,
      ...call,
    });
    // Consul's documentation: an index below 1 is to be taken as 1.
    const newIndex = Math.max(1, response.index);
    if (response.status === 404) return { value: absent, index: newIndex };
    this.accept(response, path);
    return { value: this.parse(response, schema, path), index: newIndex };
  }

  /** A write with a JSON body. */
  async write(path: string, body: unknown, options: CallOptions): Promise<CatalogResponse> {
    const response = await this.#transport.request({
      method: 'PUT',
      path,
      body: JSON.stringify(body),
      ...options,
    });
    this.accept(response, path);
    return response;
  }

  /** A write that the catalog answers with true or false. */
  async decide(request: CatalogRequest): Promise<boolean> {
    const response = await this.#transport.request(request);
    this.accept(response, request.path);
    return response.text.trim() === 'true';
  }

  /** @throws SeawallError unless the status is 2xx. */
  accept(response: CatalogResponse, path: string): void {
    const { status, text } = response;
    if (status >= 200 && status < 300) return;
    const said = `the catalog at ${this.#transport.place} answered ${status} to ${path}: ${text.slice(0, 200).trim()}`;
    if (status === 401 || status === 403) {
      throw new SeawallError('refused', said, {
        hint: 'The token is not the one that the catalog expects; compare /etc/seawall/cluster.json on the hosts.',
      });
    }
    // Consul's limit of a value (512 KiB).
    if (status === 413)
      throw new SeawallError(
        'refused',
        `${path.replace('/v1/kv/', '')} is larger than the catalog takes (512 KiB)`,
        {
          hint: 'A project with thousands of routes has to be divided into several, each with a part of them.',
        },
      );
    if (status >= 500)
      throw new SeawallError('unreachable', said, {
        hint: "Look at the catalog's log: docker logs seawall-server",
      });
    throw new SeawallError('refused', said);
  }

  /** @throws SeawallError `bug` when the answer has another shape. */
  parse<T>(response: CatalogResponse, schema: z.ZodType<T>, path: string): T {
    try {
      return schema.parse(JSON.parse(response.text));
    } catch (cause) {
      throw new SeawallError(
        'bug',
        `the catalog at ${this.#transport.place} answered ${path} with something that is not Consul's`,
        { cause },
      );
    }
  }
}
