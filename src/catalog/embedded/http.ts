import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describeError } from '../../errors.ts';
import type { PlaceAnswer } from '../place.ts';
import { EPOCH_HEADER } from '../transport.ts';
import { AGENT_ROUTES } from './agent-routes.ts';
import type { Call, Method, Reply, Route } from './call.ts';
import type { Catalog } from './catalog.ts';
import { CATALOG_ROUTES } from './catalog-routes.ts';
import { HEALTH_ROUTES } from './health-routes.ts';
import { HttpError } from './http-error.ts';
import { KV_ROUTES } from './kv-routes.ts';
import { OWN_ROUTES, PLACE_PATH, refuseSteppedDown } from './own-routes.ts';
import { SESSION_ROUTES } from './session-routes.ts';

/** Consul's `kv_max_value_size`. */
const KV_BODY_BYTES = 512 * 1024;
const BODY_BYTES = 4 * 1024 * 1024;
/** A refused body is read to its end up to here, so that its sender sees the answer and not a reset. */
const DISCARD_BYTES = 8 * 1024 * 1024;

const ROUTES: readonly Route[] = [
  ...KV_ROUTES,
  ...CATALOG_ROUTES,
  ...HEALTH_ROUTES,
  ...SESSION_ROUTES,
  ...AGENT_ROUTES,
  ...OWN_ROUTES,
];

/** Who answers behind the sockets. */
export interface Occupant {
  /** Absent: the catalog is elsewhere. */
  readonly catalog?: Promise<Catalog>;
  readonly about: () => PlaceAnswer;
  /** Somebody asked for a catalog of a later epoch: there is one. */
  readonly onNewerEpoch?: ((epoch: number) => void) | undefined;
}

/** The listener of all sockets: token, route, body, answer. What is confirmed is on the disk. */
export function makeListener({ catalog, about, onNewerEpoch }: Occupant, token: string, end: AbortSignal) {
  const expected = digest(token);
  const open = new Set<AbortController>();
  end.addEventListener('abort', () => {
    for (const call of open) call.abort();
  });
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    if (end.aborted) gone.abort();
    open.add(gone);
    response.on('close', () => {
      open.delete(gone);
      gone.abort();
    });
    try {
      const url = splitUrl(request.url ?? '/');
      if (!timingSafeEqual(digest(sentToken(request, url.query)), expected))
        throw new HttpError(403, 'Permission denied: wrong or missing token');
      const place = about();
      response.setHeader(EPOCH_HEADER, place.epoch);
      if (url.path === PLACE_PATH) {
        send(response, { status: 200, json: place }, url.query.has('pretty'));
        return;
      }
      const asked = Number(request.headers[EPOCH_HEADER] ?? 0);
      if (asked > place.epoch) onNewerEpoch?.(asked);
      if (catalog === undefined || asked > place.epoch) throw new HttpError(503, elsewhere(place, asked));
      refuseSteppedDown(await catalog);
      const reply = await answer(await catalog, request, url, gone.signal);
      await (await catalog).durable();
      send(response, reply, url.query.has('pretty'));
    } catch (error) {
      fail(request, response, error);
    }
  };
}

const elsewhere = ({ host, epoch }: PlaceAnswer, asked: number): string =>
  asked > epoch
    ? `No catalog of epoch ${asked} here: this one is of epoch ${epoch}`
    : `The catalog is not here but on ${host} (epoch ${epoch})`;

interface SplitUrl {
  readonly path: string;
  readonly query: URLSearchParams;
}

async function answer(
  catalog: Catalog,
  request: IncomingMessage,
  url: SplitUrl,
  signal: AbortSignal,
): Promise<Reply> {
  const { path, query } = url;
  const route = ROUTES.find((candidate) =>
    candidate.path.endsWith('/') ? path.startsWith(candidate.path) : path === candidate.path,
  );
  if (route === undefined) return { status: 404 };
  const handler = Object.hasOwn(route.handlers, request.method ?? '')
    ? route.handlers[request.method as Method]
    : undefined;
  if (handler === undefined) {
    const allow = ['OPTIONS', ...Object.keys(route.handlers)].join(',');
    const headers = { Allow: allow, 'Content-Type': 'text/plain; charset=utf-8' };
    return { status: 405, headers, raw: Buffer.from(`method ${request.method} not allowed`) };
  }
  const dc = query.get('dc') ?? '';
  if (dc !== '' && dc !== 'dc1') throw new HttpError(500, 'No path to datacenter');
  const body = await readBody(request, route.path === '/v1/kv/' ? KV_BODY_BYTES : BODY_BYTES);
  const call: Call = {
    method: request.method ?? '',
    rest: decode(path.slice(route.path.length)),
    query,
    body,
    signal,
  };
  return handler(catalog, call);
}

/** By hand: a URL parser would fold `..` and `//`, which may stand in keys. */
function splitUrl(url: string): SplitUrl {
  const cut = url.indexOf('?');
  return cut === -1
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, cut), query: new URLSearchParams(url.slice(cut + 1)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, 'Invalid percent-encoding in the path');
  }
}

function sentToken(request: IncomingMessage, query: URLSearchParams): string {
  const header = request.headers['x-consul-token'];
  if (typeof header === 'string') return header;
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer ?? query.get('token') ?? '';
}

/** Equal lengths for the comparison, whatever was sent. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > DISCARD_BYTES) throw tooLarge(announced, limit);
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES) throw tooLarge(bytes, limit);
    if (bytes <= limit) chunks.push(chunk);
  }
  if (bytes > limit) throw tooLarge(bytes, limit);
  return Buffer.concat(chunks);
}

const tooLarge = (bytes: number, limit: number): HttpError =>
  new HttpError(413, `Request body(${bytes} bytes) too large, max size: ${limit} bytes.`);

function send(response: ServerResponse, reply: Reply, pretty: boolean): void {
  if (response.destroyed) return;
  const body =
    reply.json === undefined ? reply.raw : Buffer.from(JSON.stringify(reply.json, undefined, pretty ? 4 : 0));
  const type = reply.json === undefined ? {} : { 'Content-Type': 'application/json' };
  response.writeHead(reply.status, { ...type, ...reply.headers, 'Content-Length': body?.length ?? 0 });
  response.end(body);
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const status = error instanceof HttpError ? error.status : 500;
  // What is left of a refused body is not read.
  const close = request.complete ? {} : { Connection: 'close' };
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...close });
  response.end(describeError(error));
}
