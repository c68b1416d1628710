import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { describeError, SeawallError } from '../errors.ts';
import { type Catalog, type Clock, openCatalog } from './embedded/catalog.ts';
import { makeListener } from './embedded/http.ts';
import { pause } from './retry.ts';

export interface CatalogServerOptions {
  /** Directory of the journal and the snapshot; made when missing (0700). One server at a time. */
  readonly dir: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
  /** Every request must carry it. */
  readonly token: string;
  /** Port 0: any free one (see {@link CatalogServer.addresses}). */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  /** Name of the catalog's own node; default `catalog`. Not a host's name: those belong to the registrars. */
  readonly node?: string;
  /** Milliseconds, never going back; default the process's. */
  readonly clock?: Clock;
  /** The disk refused a write, or an address cannot be had: the server answers 500, or lacks the address. End the process. */
  readonly onFailure?: (error: unknown) => void;
}

export interface CatalogServer {
  /** Where it listens at the moment. */
  readonly addresses: () => readonly { readonly host: string; readonly port: number }[];
  /** Answers waiting reads, ends connections, writes what is left. */
  readonly close: () => Promise<void>;
}

/** Every waiting read holds one: an edge or a resolver one for each service. Twenty hosts with a hundred services: 4000. */
const MAX_CONNECTIONS = 16_384;
const ABSENT_ADDRESS_RETRY_MS = 1_000;
/** Time for answers under way when the server ends. */
const CLOSE_GRACE_MS = 1_000;

/**
 * Starts the embedded catalog: Consul's HTTP API over TLS, from one directory. It returns when it answers on every address
 * that exists; an address that does not exist yet (the private one, before the link) is tried again for ever.
 * @throws SeawallError `refused` when a port is taken or the directory's files are damaged.
 */
export async function startCatalogServer(options: CatalogServerOptions): Promise<CatalogServer> {
  const end = new AbortController();
  const catalog = Promise.withResolvers<Catalog>();
  // Nobody may be listening yet when opening fails; the error is thrown below.
  catalog.promise.catch(() => undefined);
  const listener = makeListener(catalog.promise, options.token, end.signal);
  const servers: https.Server[] = [];
  const fail = options.onFailure ?? (() => undefined);
  try {
    // The ports first: they keep a second server away from the directory.
    for (const address of options.listen) {
      const server = makeServer(options, listener);
      servers.push(server);
      if (!(await listen(server, address))) void listenLater(server, address, end.signal).catch(fail);
    }
    catalog.resolve(
      await openCatalog({
        dir: options.dir,
        node: options.node ?? 'catalog',
        clock: options.clock ?? (() => performance.now()),
        onFailure: fail,
      }),
    );
  } catch (error) {
    catalog.reject(error);
    end.abort();
    await Promise.all(servers.map(closeServer));
    throw error;
  }
  return {
    addresses: () => servers.flatMap(addressOf),
    close: async () => {
      end.abort();
      await Promise.all(servers.map(closeServer));
      await (await catalog.promise).close();
    },
  };
}

function makeServer(options: CatalogServerOptions, listener: ReturnType<typeof makeListener>): https.Server {
  const server = https.createServer(
    {
      cert: options.certificate,
      key: options.privateKey,
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
