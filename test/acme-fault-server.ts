/** An ACME server on loopback that does what it is told, for what a good one does not do. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Protected header and payload of a signed body; the payload is undefined when it is empty (POST-as-GET). */
  readonly signed?: { readonly header: Readonly<Record<string, unknown>>; readonly payload: unknown };
  readonly body: string;
}

export type Answer = (response: ServerResponse, seen: SeenRequest) => void;

export interface FaultServer {
  readonly origin: string;
  /** URL of the directory. */
  readonly directory: string;
  readonly seen: SeenRequest[];
  /** What answers a path from now on, such as `/new-order`. Every answer carries a new nonce. */
  readonly on: (path: string, answer: Answer) => void;
  readonly close: () => Promise<void>;
}

export interface FaultServerOptions {
  /** PEM; absent: plain HTTP. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Added to the directory; undefined takes a field away. */
  readonly directory?: Readonly<Record<string, unknown>>;
}

/** Listens on loopback with a directory, nonces and an account; all else answers 404 until {@link FaultServer.on} says otherwise. */
export async function startFaultServer(options: FaultServerOptions = {}): Promise<FaultServer> {
  const answers = new Map<string, Answer>();
  const seen: SeenRequest[] = [];
  let nonce = 0;
  const listener: RequestListener = async (request, response) => {
    const one = await readRequest(request);
    seen.push(one);
    nonce += 1;
    response.setHeader('Replay-Nonce', `nonce-${nonce}`);
    const answer =
      answers.get(one.path) ?? ((to: ServerResponse) => json(to, 404, { detail: 'nothing here' }));
    answer(response, one);
  };
  const { tls } = options;
  const server = tls
    ? createSecureServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
        void listener(request, response);
      })
    : createServer((request, response) => {
        void listener(request, response);
      });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const on = (path: string, answer: Answer): void => {
    answers.set(path, answer);
  };
  on('/directory', (response) => json(response, 200, { ...directoryOf(origin), ...options.directory }));
  on('/new-nonce', (response) => response.writeHead(200).end());
  on('/new-account', (response) =>
    json(response, 201, { status: 'valid' }, { Location: `${origin}/account/1` }),
  );
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { origin, directory: `${origin}/directory`, seen, on, close };
}

const directoryOf = (origin: string): Record<string, unknown> => ({
  newNonce: `${origin}/new-nonce`,
  newAccount: `${origin}/new-account`,
  newOrder: `${origin}/new-order`,
  revokeCert: `${origin}/revoke`,
  keyChange: `${origin}/key-change`,
  renewalInfo: `${origin}/renewal-info`,
  meta: { profiles: { classic: 'as ever' } },
});

/** Answers JSON; a problem document from status 400 on. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'Content-Type': type, ...headers }).end(JSON.stringify(body));
}

/** Answers a problem of a type such as `rateLimited`. */
export const problem = (
  response: ServerResponse,
  status: number,
  type: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void => json(response, status, { type: `urn:ietf:params:acme:error:${type}`, detail, status }, headers);

async function readRequest(request: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const { method = '', url = '', headers } = request;
  const seen = { method, path: url, headers, body };
  return headers['content-type'] === 'application/jose+json' ? { ...seen, signed: unfold(body) } : seen;
}

function unfold(body: string): { header: Record<string, unknown>; payload: unknown } {
  const { protected: header, payload } = JSON.parse(body) as { protected: string; payload: string };
  return {
    header: decode(header) as Record<string, unknown>,
    payload: payload === '' ? undefined : decode(payload),
  };
}

const decode = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
