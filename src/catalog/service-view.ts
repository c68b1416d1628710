import type { CatalogClient } from './client.ts';
import type { Instance } from './record.ts';
import { type WatchOptions, watchAnswer, watchService } from './watch.ts';

export interface ServiceViewOptions {
  /** Something in the snapshot changed, or it became ready. */
  readonly onChange: () => void;
  readonly onError?: (error: unknown) => void;
  /** What was known before the start; shown until the catalog has answered. */
  readonly initial?: ReadonlyMap<string, readonly Instance[]>;
}

type Client = Pick<CatalogClient, 'services' | 'serviceInstances'>;

/**
 * What the catalog says of a set of services, kept up to date by one long poll each. When the catalog is away, what it
 * last said stands.
 */
export class ServiceView {
  readonly #client: Client;
  readonly #options: ServiceViewOptions;
  readonly #end = new AbortController();
  readonly #watches = new Map<string, AbortController>();
  readonly #answers = new Map<string, readonly Instance[]>();
  readonly #answered = new Set<string>();
  readonly #loops = new Set<Promise<void>>();
  #named = false;

  constructor(client: Client, options: ServiceViewOptions) {
    this.#client = client;
    this.#options = options;
    for (const [name, instances] of options.initial ?? []) this.#answers.set(name, instances);
  }

  /** True once the names are known and each of them has been answered by the catalog since it was set. */
  get ready(): boolean {
    return this.#named && [...this.#watches.keys()].every((name) => this.#answered.has(name));
  }

  /** Watched services that are known; a service without instances has an empty list. */
  snapshot(): ReadonlyMap<string, readonly Instance[]> {
    if (!this.#named) return new Map(this.#answers);
    return new Map(
      [...this.#watches.keys()].toSorted().flatMap((name) => {
        const known = this.#answers.get(name);
        return known === undefined ? [] : [[name, known] as const];
      }),
    );
  }

  /** Replaces the set of watched services; those that stay keep their answers. */
  setNames(names: Iterable<string>): void {
    const wanted = new Set(names);
    const before = this.#watches.size;
    for (const [name, watch] of this.#watches) {
      if (wanted.has(name)) continue;
      watch.abort();
      this.#watches.delete(name);
      this.#answers.delete(name);
      this.#answered.delete(name);
    }
    const removed = before !== this.#watches.size;
    const first = !this.#named;
    this.#named = true;
    for (const name of wanted) if (!this.#watches.has(name)) this.#watch(name);
    if (removed || (first && this.ready)) this.#options.onChange();
  }

  /** Watches every service of the catalog, also those that come later. */
  watchAll(): void {
    this.#loop(
      watchAnswer(
        (read) => this.#client.services(read),
        (services) => this.setNames(Object.keys(services)),
        this.#watchOptions(this.#end.signal),
      ),
    );
  }

  /** Ends all polls. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all(this.#loops);
  }

  #watch(name: string): void {
    const watch = new AbortController();
    this.#watches.set(name, watch);
    const signal = AbortSignal.any([watch.signal, this.#end.signal]);
    const onChange = (instances: readonly Instance[]): void => {
      this.#answers.set(name, instances);
      this.#answered.add(name);
      this.#options.onChange();
    };
    this.#loop(watchService(this.#client, name, onChange, this.#watchOptions(signal)));
  }

  #watchOptions(signal: AbortSignal): WatchOptions {
    const { onError } = this.#options;
    return onError === undefined ? { signal } : { signal, onError };
  }

  #loop(loop: Promise<void>): void {
    const ended = loop.finally(() => this.#loops.delete(ended));
    this.#loops.add(ended);
  }
}
