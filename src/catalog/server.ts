import { describeError } from '../errors.ts';
import { type Catalog, type Clock, openCatalog } from './embedded/catalog.ts';
import { makeListener } from './embedded/http.ts';
import { type Listening, type ListeningOptions, listenTls } from './listening.ts';
import type { PlaceAnswer } from './place.ts';

export interface CatalogServerOptions extends ListeningOptions {
  /** Directory of the journal and the snapshot; made when missing (0700). One server at a time. */
  readonly dir: string;
  /** Every request must carry it. */
  readonly token: string;
  /** Name of the catalog's own node; default `catalog`. Not a host's name: those belong to the registrars. */
  readonly node?: string;
  /** Milliseconds, never going back; default the process's. */
  readonly clock?: Clock;
  /** The disk refuses writes, or takes them again (undefined). Reads and signs of life go on meanwhile. */
  readonly onTrouble?: (error: unknown) => void;
  /** What it says of itself; default: epoch 1 and no names. */
  readonly about?: PlaceAnswer;
  /** Somebody knows of a catalog of a later epoch: this one is no longer the cluster's. */
  readonly onNewerEpoch?: (epoch: number) => void;
}

export interface CatalogServer extends Listening {
  /** Answers waiting reads, ends connections, writes what is left. */
  readonly close: () => Promise<void>;
}

/**
 * Starts the embedded catalog: Consul's HTTP API over TLS, from one directory. It returns when it answers on every address
 * that exists; an address that does not exist yet (the private one, before the link) is tried again for ever.
 * @throws SeawallError `refused` when a port is taken or the directory's files are damaged.
 */
export async function startCatalogServer(options: CatalogServerOptions): Promise<CatalogServer> {
  const end = new AbortController();
  const opening = Promise.withResolvers<Catalog>();
  // Nobody may be listening yet when opening fails; the error is thrown below.
  opening.promise.catch(() => undefined);
  let catalog: Catalog | undefined;
  const about = (): PlaceAnswer => ({
    ...(options.about ?? { epoch: 1, host: '', address: '' }),
    ...(catalog === undefined ? {} : { index: catalog.state.index }),
    ...(catalog?.trouble === undefined ? {} : { problem: describeError(catalog.trouble) }),
  });
  const occupant = { catalog: opening.promise, about, onNewerEpoch: options.onNewerEpoch };
  // The ports first: they keep a second server away from the directory.
  const listening = await listenTls(options, makeListener(occupant, options.token, end.signal));
  try {
    catalog = await openCatalog({
      dir: options.dir,
      node: options.node ?? 'catalog',
      clock: options.clock ?? (() => performance.now()),
      onTrouble: options.onTrouble ?? (() => undefined),
    });
    opening.resolve(catalog);
  } catch (error) {
    opening.reject(error);
    end.abort();
    await listening.close();
    throw error;
  }
  const opened = catalog;
  return {
    addresses: listening.addresses,
    close: async () => {
      end.abort();
      await listening.close();
      await opened.close();
    },
  };
}

/** Starts what answers on a host that does not have the catalog: only where it is. */
export async function startPlaceServer(
  options: ListeningOptions & {
    readonly token: string;
    readonly about: PlaceAnswer;
    readonly onNewerEpoch?: (epoch: number) => void;
  },
): Promise<Listening> {
  const end = new AbortController();
  const { about, onNewerEpoch, token } = options;
  const listener = makeListener({ about: () => about, onNewerEpoch }, token, end.signal);
  const listening = await listenTls(options, listener);
  return {
    addresses: listening.addresses,
    close: async () => {
      end.abort();
      await listening.close();
    },
  };
}
