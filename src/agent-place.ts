import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { askPlace, type CatalogClient, type PlaceAnswer, placeConnection } from './catalog/index.ts';
import { type CatalogPlace, type ClusterFile, epochOf, HOST_PATH, isNewerPlace } from './cluster.ts';
import { describeError } from './errors.ts';
import { replaceFile } from './replace-file.ts';

export interface PlaceOptions {
  readonly cluster: ClusterFile;
  readonly client: Pick<CatalogClient, 'move' | 'failingSince'>;
  /** Writes what was learned of others into the cluster file: one program of a host does. */
  readonly writes: boolean;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Default `/etc/seawall/cluster.json`. */
  readonly path?: string;
  /** Default: asks the host's server. */
  readonly ask?: (host: string, address: string) => Promise<PlaceAnswer | undefined>;
}

/** Between two looks at the cluster file. */
const FILE_MS = 1_000;
/** A catalog that does not answer for so long may have moved. */
const FAILING_MS = 2_000;
/** Between two rounds of asking the other hosts: when there is a reason, and without one. */
const ASK_MS = { troubled: 2_000, calm: 15_000 } as const;
const ASK_TIMEOUT_MS = 2_000;

/**
 * Where the catalog is, for a program of a host: by the cluster file, which the operator writes, and by what the other hosts say
 * when the catalog does not answer. The highest epoch counts, so that a host that was away follows, and one that still
 * holds an earlier catalog gives it up.
 */
export class PlaceWatch {
  readonly #options: PlaceOptions;
  #place: CatalogPlace;
  #moved = Promise.withResolvers<void>();
  #askNow = new AbortController();

  constructor(options: PlaceOptions) {
    this.#options = options;
    this.#place = options.cluster.catalog;
  }

  get place(): CatalogPlace {
    return this.#place;
  }

  /** Whether the catalog is this host's. */
  get isHere(): boolean {
    return this.#place.host === this.#options.cluster.host.name;
  }

  /** Resolves when another place counts. */
  get moved(): Promise<void> {
    return this.#moved.promise;
  }

  /** Somebody said that there is a later one: the others are asked at once. */
  suspect(): void {
    this.#askNow.abort();
  }

  /** Runs until the signal of the options; never rejects. */
  async run(): Promise<void> {
    const { signal, client } = this.#options;
    let askedAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      await this.#readFile();
      const now = performance.now();
      const isTroubled = client.failingSince !== undefined && now - client.failingSince > FAILING_MS;
      const everyMs = isTroubled ? ASK_MS.troubled : ASK_MS.calm;
      if (this.#askNow.signal.aborted || now - askedAt > everyMs) {
        this.#askNow = new AbortController();
        askedAt = now;
        await this.askAll();
      }
      const woken = AbortSignal.any([signal, this.#askNow.signal]);
      await sleep(FILE_MS, undefined, { signal: woken }).catch(() => undefined);
    }
  }

  /** Asks all other hosts once. @returns whether every one of them answered. */
  async askAll(): Promise<boolean> {
    const { cluster } = this.#options;
    const others = cluster.hosts.filter(({ name }) => name !== cluster.host.name);
    const answers = await Promise.all(others.map((host) => this.#ask(host.name, host.privateAddress)));
    for (const answer of answers) if (answer !== undefined) await this.#hear(answer);
    return answers.every((answer) => answer !== undefined);
  }

  async #ask(host: string, address: string): Promise<PlaceAnswer | undefined> {
    const { ask, signal } = this.#options;
    if (ask !== undefined) return ask(host, address);
    const { port, certificate, token } = this.#place;
    const connection = { target: { host: address, port }, certificate, token };
    return askPlace(connection, { timeoutMs: ASK_TIMEOUT_MS, signal }).catch(() => undefined);
  }

  async #hear({ epoch, host, address }: PlaceAnswer): Promise<void> {
    const place = { ...this.#place, epoch, host, address };
    if (!isNewerPlace(place, this.#place)) return;
    this.#adopt(place, 'another host says so');
    if (this.#options.writes) await this.#writeFile();
  }

  /** A file that cannot be read now, or is older than what is known, changes nothing. */
  async #readFile(): Promise<void> {
    const { path = HOST_PATH.clusterFile, cluster } = this.#options;
    try {
      const { catalog, id } = JSON.parse(await readFile(path, 'utf8')) as ClusterFile;
      if (id !== cluster.id) return;
      if (isNewerPlace(catalog, this.#place)) this.#adopt(catalog, 'the cluster file says so');
      else if (this.#options.writes && isNewerPlace(this.#place, catalog)) await this.#writeFile();
    } catch {
      // Being replaced, or taken away by a teardown: the next look tells.
    }
  }

  #adopt(place: CatalogPlace, why: string): void {
    const { log, client, cluster } = this.#options;
    log(`info place: the catalog is on ${place.host} (epoch ${epochOf(place)}): ${why}`);
    this.#place = place;
    client.move(connectionTo(place, cluster.host.name));
    this.#moved.resolve();
    this.#moved = Promise.withResolvers<void>();
  }

  async #writeFile(): Promise<void> {
    const { path = HOST_PATH.clusterFile, log } = this.#options;
    try {
      const present = JSON.parse(await readFile(path, 'utf8')) as ClusterFile;
      if (!isNewerPlace(this.#place, present.catalog)) return;
      const text = `${JSON.stringify({ ...present, catalog: this.#place }, undefined, 2)}\n`;
      await replaceFile(path, text, 0o600, `${path}.place`);
    } catch (error) {
      log(`warn place: ${path} could not be brought up to date: ${describeError(error)}`);
    }
  }
}

/** How a program on that host reaches the catalog. */
export function connectionTo(place: CatalogPlace, host: string): ReturnType<typeof placeConnection> {
  const address = place.host === host ? '127.0.0.1' : place.address;
  return placeConnection(place, { host: address, port: place.port });
}
