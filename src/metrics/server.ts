import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricsRules } from '../cluster.ts';
import { describeError } from '../errors.ts';
import { allowedPeers } from './peers.ts';
import { type Format, formatFor, type MetricsText } from './text.ts';

export interface MetricsServerOptions {
  readonly rules: MetricsRules;
  readonly text: (format: Format) => Promise<MetricsText>;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Given each server that listens. */
  readonly onListening?: (server: Server) => void;
  /** Milliseconds for a request to arrive whole, and for an idle connection; default 5000. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 5_000;
const RETRY_MS = 5_000;
/** A scraper's request is far smaller. */
const MOST_HEADER_BYTES = 8 * 1024;
/** A few scrapers; more at once is somebody who means no good. */
const MOST_CONNECTIONS = 32;

/**
 * Serves `GET /metrics` on every address of the rules that is this host's, to loopback and to those that the rules name: anybody
 * else's connection is cut before a byte is read. @returns once the signal is aborted; never rejects.
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<void> {
  await Promise.all(options.rules.listen.map((place) => keepListening(options, place)));
}

type Place = MetricsRules['listen'][number];

/** An address may come later (a link that is not up yet), or be another host's of the cluster. */
async function keepListening(options: MetricsServerOptions, place: Place): Promise<void> {
  const { signal, log, onListening } = options;
  let said = '';
  while (!signal.aborted) {
    const server = makeServer(options);
    try {
      await listen(server, place);
      onListening?.(server);
      log(`info metrics: listening on ${place.address} port ${place.port}`);
      said = '';
      await closed(server, signal);
    } catch (error) {
      const text = describeError(error);
      const isElsewhere = (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL';
      if (text !== said) log(`${isElsewhere ? 'info' : 'warn'} metrics: ${place.address}: ${text}`);
      said = text;
      await sleep(RETRY_MS * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }
}

function makeServer({ rules, text, log, patienceMs = PATIENCE_MS }: MetricsServerOptions): Server {
  const isAllowed = allowedPeers(rules.from);
  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: patienceMs,
      requestTimeout: patienceMs,
      keepAliveTimeout: patienceMs,
      connectionsCheckingInterval: Math.min(1_000, patienceMs),
    },
    (request, response) => {
      answer(request, response, text).catch((error: unknown) => {
        log(`error metrics: ${describeError(error)}`);
        if (!response.headersSent) refuse(response, 500, 'see the log of seawall-server');
      });
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = patienceMs;
  server.on('connection', (socket) => {
    if (!isAllowed(socket.remoteAddress)) socket.resetAndDestroy();
  });
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  text: MetricsServerOptions['text'],
): Promise<void> {
  if (request.url?.split('?')[0] !== '/metrics') return refuse(response, 404, 'only /metrics is here');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return refuse(response, 405, 'GET or HEAD');
  }
  // What a request carries is not read: its connection ends with the answer.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined) {
    return refuse(response, 400, 'a request has no body here');
  }
  const { contentType, text: body } = await text(formatFor(request.headers.accept));
  const bytes = Buffer.from(body);
  response.writeHead(200, {
    'content-type': contentType,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    vary: 'accept',
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${why}\n`);
}

function listen(server: Server, { address, port }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, ipv6Only: address.includes(':') }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Waits until the server ends: by the signal, with all its connections, or by itself (rejects). */
function closed(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    server.once('error', reject);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
