import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SeawallError } from '../../errors.ts';
import type { LayerFolder } from './folder.ts';
import type { ServeOrder } from './orders.ts';

/**
 * Gives the ordered layers, and nothing else, to who brings the token: `GET /sha256:…` with `Range: bytes=N-`. Ends with
 * its input. This process has no Docker socket.
 */
export async function serveLayers(
  order: ServeOrder,
  folder: LayerFolder,
  input: Readable,
  onListening: (port: number) => void,
): Promise<void> {
  const { certificate: cert, privateKey: key } = order;
  const server = createServer({ cert, key, minVersion: 'TLSv1.3' }, (request, response) => {
    answer(order, folder, request, response).catch(() => response.destroy());
  });
  onListening(await listen(server, order));
  input.resume();
  await new Promise<void>((resolve) => {
    input.once('end', resolve);
    input.once('close', resolve);
    input.once('error', () => resolve());
  });
  server.closeAllConnections();
  server.close();
}

async function listen(server: Server, { address, ports }: ServeOrder): Promise<number> {
  for (let port = ports.first; port <= ports.last; port += 1) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: address, port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new SeawallError('refused', `ports ${ports.first} to ${ports.last} of ${address} are all taken`);
}

async function answer(
  order: ServeOrder,
  folder: LayerFolder,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!hasToken(request, order.token)) return refuse(response, 401);
  const diffId = (request.url ?? '').slice(1);
  if (request.method !== 'GET' || !order.diffIds.includes(diffId)) return refuse(response, 404);
  const bytes = await folder.bytes(diffId);
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start > bytes) return refuse(response, 416);
  response.writeHead(start === 0 ? 200 : 206, {
    'Content-Length': bytes - start,
    ...(start === 0 ? {} : { 'Content-Range': `bytes ${start}-${bytes - 1}/${bytes}` }),
  });
  await pipeline(folder.read(diffId, start), response);
}

function hasToken(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted);
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}
