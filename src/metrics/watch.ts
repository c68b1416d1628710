import { setTimeout as sleep } from 'node:timers/promises';
import { type CatalogClient, watchAnswer } from '../catalog/index.ts';
import type { Instance } from '../catalog/record.ts';
import { describeError } from '../errors.ts';
import { type Part, type PartsOptions, partsOf } from './parts.ts';
import { readPart } from './read.ts';
import { withSigns } from './signs.ts';
import type { ClusterView, Sign } from './view.ts';

export interface ClusterWatchOptions extends PartsOptions {
  readonly client: Pick<CatalogClient, 'kvGet' | 'kvList' | 'failingSince'>;
  /** What is known of services, from whoever follows them anyhow; undefined: not heard yet. */
  readonly instances: () => readonly Instance[] | undefined;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Asked again after this time at the latest; until then only a change is answered. */
const WAIT_MS = 300_000;
/** Between two readings of a part that changes all the time: 2,000 certificates are 10 MB. */
const REST_MS = 5_000;
/** A catalog that is silent for less is not called away: one lost call must not empty a scrape. */
const AWAY_MS = 10_000;

/** Follows what metrics show of the cluster, so that a scrape asks nobody. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  #view: ClusterView = {};
  #signs: Readonly<Record<string, Sign>> = {};
  readonly #indexes = new Map<string, number>();
  readonly #told = new Map<string, string>();

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
  }

  get view(): ClusterView {
    const instances = this.#options.instances();
    return instances === undefined ? this.#view : { ...this.#view, instances };
  }

  get signs(): Readonly<Record<string, Sign>> {
    return this.#signs;
  }

  /** Absent before the first answer. */
  get index(): number | undefined {
    return this.#indexes.size === 0 ? undefined : Math.max(...this.#indexes.values());
  }

  /** Part → whether it was read when it was last tried; those that were never tried to the end are left out. */
  get parts(): Readonly<Record<string, boolean>> {
    const read = [...this.#indexes.keys()].map((name) => [name, true] as const);
    const failed = [...this.#told.keys()].map((name) => [name, false] as const);
    return Object.fromEntries([...read, ...failed].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  get isCatalogUp(): boolean {
    const { failingSince } = this.#options.client;
    const isAway = failingSince !== undefined && performance.now() - failingSince > AWAY_MS;
    return !isAway && this.#indexes.size > 0;
  }

  /** @returns once the signal is aborted; never rejects. */
  async run(): Promise<void> {
    await Promise.all(partsOf(this.#options).map((part) => this.#follow(part)));
  }

  #follow(part: Part): Promise<void> {
    const { client, signal } = this.#options;
    let isFresh = false;
    return watchAnswer(
      async (options) => {
        isFresh = (options.index ?? 0) > 0;
        // Signs of life are small, and their time is taken from when they come.
        if (isFresh && part.name !== 'alives') await sleep(REST_MS, undefined, { signal });
        const answer = await readPart(client, part, { ...options });
        this.#indexes.set(part.name, answer.index);
        this.#told.delete(part.name);
        return answer;
      },
      (value) => this.#hear(part.name, value, isFresh),
      { signal, waitMs: WAIT_MS, onError: (error) => this.#tell(part.name, error) },
    );
  }

  #hear(name: Part['name'], value: unknown, isFresh: boolean): void {
    this.#view = { ...this.#view, [name]: value };
    const { alives } = this.#view;
    if (name === 'alives' && alives !== undefined)
      this.#signs = withSigns(this.#signs, alives, { now: Date.now(), isFresh });
  }

  /** Said once, until readings succeed or fail in another way: a catalog that is away fails all of them alike. */
  #tell(name: string, error: unknown): void {
    const text = describeError(error);
    const isTold = [...this.#told.values()].includes(text);
    this.#told.set(name, text);
    if (isTold) return;
    this.#options.log(`warn metrics: ${name}: ${text}`);
  }
}
