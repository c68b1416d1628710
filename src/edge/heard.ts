import { type CatalogClient, ServiceView, watchKey, watchKeys } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import { unpackValue } from '../packed.ts';
import {
  type BelievedInstances,
  believedInstances,
  believedRoutes,
  edgeInputs,
  type Heard,
} from './inputs.ts';
import { checkRoute } from './route-text.ts';

export interface CatalogEarOptions {
  readonly client: Pick<CatalogClient, 'kvGet' | 'kvList' | 'services' | 'serviceInstances'>;
  readonly signal: AbortSignal;
  /** Heard before this process started. */
  readonly before: Heard | undefined;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/** Listens to what the catalog says about routes, replicas and hosts, and keeps what is to be believed. */
export class CatalogEar {
  readonly #view: ServiceView;
  readonly #instances = new Map<string, BelievedInstances>();
  readonly #watches: readonly Promise<void>[];
  #believedRoutes: Readonly<Record<string, string>> | undefined;
  #routes: Readonly<Record<string, string>> | undefined;
  #hosts: readonly string[] | undefined;
  #alive: readonly string[] | undefined;
  #isWhole = false;
  #last: Heard | undefined;

  constructor(options: CatalogEarOptions) {
    const { client, signal, before, onChange, onError } = options;
    this.#believedRoutes = before?.routes;
    this.#hosts = before?.hosts;
    this.#alive = before?.alive;
    const initial = new Map(Object.entries(before?.instances ?? {}));
    for (const [name, instances] of initial) this.#instances.set(name, { instances });
    this.#view = new ServiceView(client, { onChange, onError, initial });
    const watch = { signal, onError };
    const names = (prefix: string, keys: readonly { readonly key: string }[]) =>
      keys.map(({ key }) => key.slice(prefix.length));
    this.#watches = [
      watchKeys(
        client,
        KEY.routes,
        (entries) => {
          this.#routes = Object.fromEntries(
            entries.map(({ key, value }) => [key.slice(KEY.routes.length), readable(value)]),
          );
          onChange();
        },
        watch,
      ),
      watchKeys(
        client,
        KEY.hosts,
        (entries) => {
          this.#hosts = names(KEY.hosts, entries);
          onChange();
        },
        watch,
      ),
      watchKeys(
        client,
        KEY.alives,
        (entries) => {
          this.#alive = names(KEY.alives, entries);
          onChange();
        },
        watch,
      ),
      watchKey(
        client,
        KEY.cluster,
        (entry) => {
          this.#isWhole = entry !== undefined;
          onChange();
        },
        watch,
      ),
    ];
  }

  /**
   * What to go by now; undefined: not enough was ever heard.
   * @param nowMs of a clock that only goes forward.
   */
  heard(nowMs: number): Heard | undefined {
    const routes = believedRoutes(this.#routes, this.#believedRoutes, this.#isWhole);
    if (routes === undefined || this.#hosts === undefined || this.#alive === undefined) return undefined;
    this.#believedRoutes = routes;
    const { hosts, alive } = { hosts: this.#hosts, alive: this.#alive };
    const services = servicesOf(routes);
    this.#view.setNames(services);
    const answers = this.#view.snapshot();
    const instances: Record<string, BelievedInstances['instances']> = {};
    for (const service of [...services].toSorted()) {
      const answer = answers.get(service);
      const before = this.#instances.get(service);
      // A route whose service the catalog has not told of yet: to serve it without replicas would be a guess.
      if (answer === undefined && before === undefined) return this.#last;
      const believed =
        answer === undefined ? before : believedInstances(answer, before, nowMs, this.#isWhole);
      if (believed === undefined) continue;
      this.#instances.set(service, believed);
      instances[service] = believed.instances;
    }
    for (const name of this.#instances.keys()) if (!services.has(name)) this.#instances.delete(name);
    this.#last = { routes, hosts, alive, instances };
    return this.#last;
  }

  /** Ends listening. */
  async close(): Promise<void> {
    await Promise.all([this.#view.close(), ...this.#watches]);
  }
}

/** Of the routes that can be served: for a name that is none the catalog has no answer, and all routes would wait for it. */
function servicesOf(routes: Readonly<Record<string, string>>): ReadonlySet<string> {
  const records = edgeInputs({ routes, instances: {} }).inputs.routes;
  return new Set(
    records.filter((route) => 'route' in checkRoute(route)).map((route) => route.catalogService),
  );
}

/** What is damaged is no routes, which is said where they are read. */
function readable(value: string): string {
  try {
    return unpackValue(value);
  } catch {
    return value;
  }
}
