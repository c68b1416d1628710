import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { describeError, SeawallError } from '../errors.ts';
import { pause } from '../retry.ts';

export interface ListeningOptions {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
  /** Port 0: any free one (see {@link Listening.addresses}). */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  /** An address that came later cannot be had. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export interface Listening {
  /** Where it listens at the moment. */
  readonly addresses: () => readonly { readonly host: string; readonly port: number }[];
  readonly close: () => Promise<void>;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Every waiting read holds one: an edge or a resolver one for each service. Twenty hosts with a hundred services: 4000. */
const MAX_CONNECTIONS = 16_384;
const ABSENT_ADDRESS_RETRY_MS = 1_000;
/** Time for answers under way when the server ends. */
const CLOSE_GRACE_MS = 1_000;

/**
 * Listens with TLS. It returns when every address that exists is bound; one that does not exist yet (the private one,
 * before the link) is tried again for ever.
 * @throws SeawallError `refused` when a port is taken.
 */
export async function listenTls(options: ListeningOptions, listener: Listener): Promise<Listening> {
  const end = new AbortController();
  const servers: https.Server[] = [];
  const fail = options.onFailure ?? (() => undefined);
  const close = async (): Promise<void> => {
    end.abort();
    await Promise.all(servers.map(closeServer));
  };
  try {
    for (const address of options.listen) {
      const server = makeServer(options, listener);
      servers.push(server);
      if (!(await listen(server, address))) void listenLater(server, address, end.signal).catch(fail);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses: () => servers.flatMap(addressOf), close };
}

function makeServer({ certificate, privateKey }: ListeningOptions, listener: Listener): https.Server {
  const server = https.createServer(
    {
      cert: certificate,
      key: privateKey,
      minVersion: 'TLSv1.2',
      handshakeTimeout: 10_000,
      headersTimeout: 10_000,
      // For receiving a request, not for answering it.
      requestTimeout: 30_000,
      // Longer than the pauses of our own clients, so that they seldom meet a closed connection.
      keepAliveTimeout: 90_000,
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => void listener(request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Somebody spoke no TLS, or broke off: theirs to notice.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

/** @returns false when the machine does not have the address. */
function listen(
  server: https.Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRNOTAVAIL') resolve(false);
      else
        reject(
          new SeawallError(
            'refused',
            `the catalog cannot listen on ${host}:${port}: ${describeError(error)}`,
            {
              hint: `See what else listens there: ss -ltnp 'sport = :${port}'`,
              cause: error,
            },
          ),
        );
    };
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve(true);
    });
  });
}

async function listenLater(
  server: https.Server,
  address: { readonly host: string; readonly port: number },
  end: AbortSignal,
): Promise<void> {
  while (!end.aborted) {
    await pause(ABSENT_ADDRESS_RETRY_MS, end);
    if (end.aborted || (await listen(server, address))) return;
  }
}

function addressOf(server: https.Server): { host: string; port: number }[] {
  const address = server.address() as AddressInfo | null;
  return address === null ? [] : [{ host: address.address, port: address.port }];
}

async function closeServer(server: https.Server): Promise<void> {
  if (!server.listening) return;
  const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await closed;
  clearTimeout(force);
}
