import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlaceWatch } from './agent-place.ts';
import { type Listening, startCatalogServer, startPlaceServer } from './catalog/index.ts';
import { type ClusterFile, catalogFolder, epochOf } from './cluster.ts';
import { describeError } from './errors.ts';
import { isStaleReadOnlyMount } from './mount-info.ts';

export interface CatalogPartOptions {
  readonly cluster: ClusterFile;
  readonly place: PlaceWatch;
  /** Of Seawall. */
  readonly version: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** What is wrong with the catalog at the moment; empty text: nothing. */
  readonly onState: (problem: string) => void;
}

/**
 * Before an earlier catalog is served again, the other hosts are asked whether there is a later one; for so long at the
 * most, because after a power cut nobody else may be up yet.
 */
const ASK_BEFORE_MS = 5_000;
const ASK_PAUSE_MS = 500;
const MOUNT_LOOK_MS = 5_000;

/** The catalog when it is this host's, else the word where it is. @returns once the signal is aborted. */
export async function serveCatalogPart(options: CatalogPartOptions): Promise<void> {
  const { place, signal } = options;
  // Meanwhile nobody is told anything by this host, so that a client finds no old truth here.
  if (place.isHere) await askTheOthers(options);
  while (!signal.aborted) {
    const moved = place.moved;
    const server = place.isHere ? await serveCatalog(options) : await servePlace(options);
    await Promise.race([moved, aborted(signal)]);
    await server.close();
    options.onState('');
  }
}

async function askTheOthers({ place, signal }: CatalogPartOptions): Promise<void> {
  const end = performance.now() + ASK_BEFORE_MS;
  while (!signal.aborted && place.isHere && performance.now() < end) {
    if (await place.askAll()) return;
    await sleep(ASK_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function serveCatalog(options: CatalogPartOptions): Promise<Listening> {
  const { place, log, onState } = options;
  const epoch = epochOf(place.place);
  const dir = catalogFolder(epoch);
  let trouble = '';
  const server = await startCatalogServer({
    ...listening(options),
    dir,
    onTrouble: (error) => {
      const text = error === undefined ? '' : `the disk takes no writes: ${describeError(error)}`;
      log(text === '' ? 'info catalog: the disk takes writes again' : `error catalog: ${text}`);
      if (trouble === '' && text !== '') void leaveStaleMount(dir, () => trouble !== '', options);
      trouble = text;
      onState(text);
    },
  });
  log(`info catalog: serving epoch ${epoch} on port ${place.place.port}`);
  return server;
}

/** While the disk takes no writes: ends this program when only its next start can see that the disk is writable again. */
async function leaveStaleMount(
  dir: string,
  isTroubled: () => boolean,
  { signal, log }: Pick<CatalogPartOptions, 'signal' | 'log'>,
): Promise<void> {
  for (;;) {
    await sleep(MOUNT_LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted || !isTroubled()) return;
    const mountinfo = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
    if (!isStaleReadOnlyMount(mountinfo, dir)) continue;
    log(
      `warn catalog: ${dir} is writable again, but not as this container mounted it; this program starts anew`,
    );
    process.exit(1);
  }
}

const servePlace = (options: CatalogPartOptions): Promise<Listening> => startPlaceServer(listening(options));

function listening({ cluster, place, version, log }: CatalogPartOptions) {
  const { certificate, privateKey, token, port, host, address } = place.place;
  return {
    certificate,
    privateKey,
    token,
    listen: [
      { host: '127.0.0.1', port },
      { host: cluster.host.privateAddress, port },
    ],
    about: { epoch: epochOf(place.place), host, address, version },
    onNewerEpoch: () => place.suspect(),
    onFailure: (error: unknown) => log(`error catalog: ${describeError(error)}`),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
