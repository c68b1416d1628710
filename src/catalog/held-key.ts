import { SeawallError } from '../errors.ts';
import { packValue } from '../packed.ts';
import { pause, retryDelayMs } from '../retry.ts';
import type { CatalogClient } from './client.ts';
import type { SessionBehavior } from './entry.ts';

export interface HeldKeyOptions {
  readonly key: string;
  /** At least 10000 (Consul). The key is lost between one and two of these after the last sign of life. */
  readonly ttlMs: number;
  /** What becomes of the key with its session. */
  readonly behavior: SessionBehavior;
  /** The catalog is away, or somebody else holds the key (`locked`); holding goes on by itself. */
  readonly onError?: (error: unknown) => void;
}

type Client = Pick<
  CatalogClient,
  'kvGet' | 'kvPut' | 'sessionCreate' | 'sessionDestroy' | 'sessionInfo' | 'sessionRenew'
>;

/**
 * A key that stands in the catalog as long as this process lives: written under a session, renewed every third of its
 * TTL, made anew when it got lost. A session that a previous run of the same program left on the key is taken over,
 * so that a quick restart is not seen by anybody. Nothing is written before the first `put`.
 */
export class HeldKey {
  readonly #client: Client;
  readonly #options: HeldKeyOptions;
  readonly #end = new AbortController();
  readonly #loop: Promise<void>;
  #value: string | undefined;
  #written: string | undefined;
  #session: string | undefined;
  #renewAt = 0;
  #wake = new AbortController();

  constructor(client: Client, options: HeldKeyOptions) {
    this.#client = client;
    this.#options = options;
    this.#loop = this.#hold();
  }

  /** The last `put` stands in the catalog under our session, as far as the last look told. */
  get held(): boolean {
    return this.#value !== undefined && this.#written === this.#value;
  }

  /** Replaces the value, soon; an unchanged one is not written. */
  put(text: string): void {
    const value = packValue(text);
    if (this.#value === value) return;
    this.#value = value;
    this.#wake.abort();
  }

  /**
   * Ends the holding. With `leave` the session is left to its TTL, for a successor that takes it over; without, it is
   * destroyed and the key released or deleted, if the catalog answers within 2 seconds.
   */
  async close({ leave = false }: { readonly leave?: boolean } = {}): Promise<void> {
    this.#end.abort();
    this.#wake.abort();
    await this.#loop;
    if (leave || this.#session === undefined) return;
    await this.#client.sessionDestroy(this.#session, { timeoutMs: 2_000 }).catch(this.#options.onError);
    this.#session = undefined;
    this.#written = undefined;
  }

  async #hold(): Promise<void> {
    const end = this.#end.signal;
    let failures = 0;
    while (!end.aborted) {
      this.#wake = new AbortController();
      const woken = this.#wake.signal;
      try {
        if (this.#value !== undefined) await this.#step(this.#value);
        failures = 0;
        const idleMs = this.#value === undefined ? this.#options.ttlMs : this.#renewAt - performance.now();
        await pause(Math.max(0, idleMs), woken);
      } catch (error) {
        if (end.aborted) return;
        // Whatever went wrong, the session may be gone: the next attempt asks for it first.
        this.#renewAt = 0;
        failures += 1;
        this.#options.onError?.(error);
        await pause(Math.min(retryDelayMs(failures), this.#options.ttlMs / 5), end);
      }
    }
  }

  async #step(value: string): Promise<void> {
    const signal = this.#end.signal;
    if (this.#session !== undefined && performance.now() >= this.#renewAt) await this.#renew(this.#session);
    if (this.#session === undefined) await this.#open();
    if (this.#session === undefined || this.#written === value) return;
    const { key } = this.#options;
    if (await this.#client.kvPut(key, value, { acquire: this.#session, signal })) {
      this.#written = value;
      return;
    }
    this.#written = undefined;
    await this.#takeOver();
    throw new SeawallError('locked', `the catalog's key ${key} is held by another session`, {
      hint: `It is taken when that session ends. If it never does, see who else writes ${key}.`,
    });
  }

  /** Renews the session and looks whether the key is still under it. */
  async #renew(session: string): Promise<void> {
    const signal = this.#end.signal;
    const startedAt = performance.now();
    const { key, ttlMs } = this.#options;
    if (!(await this.#client.sessionRenew(session, { signal, timeoutMs: ttlMs / 4 }))) {
      this.#session = undefined;
      this.#written = undefined;
      return;
    }
    this.#renewAt = startedAt + ttlMs / 3;
    const { value: entry } = await this.#client.kvGet(key, { signal });
    if (entry?.session !== session) this.#written = undefined;
    else this.#written = entry.value;
  }

  async #open(): Promise<void> {
    const { key, ttlMs, behavior } = this.#options;
    if (await this.#takeOver()) return;
    const startedAt = performance.now();
    this.#session = await this.#client.sessionCreate(
      { name: key, ttlMs, behavior },
      { signal: this.#end.signal },
    );
    this.#renewAt = startedAt + ttlMs / 3;
  }

  /** Sessions of held keys carry the key as name: one of that name on the key is a previous run's. */
  async #takeOver(): Promise<boolean> {
    const signal = this.#end.signal;
    const { key, ttlMs } = this.#options;
    const { value: entry } = await this.#client.kvGet(key, { signal });
    if (entry?.session === undefined) return false;
    const { value: info } = await this.#client.sessionInfo(entry.session, { signal });
    if (info?.name !== key) return false;
    const startedAt = performance.now();
    if (!(await this.#client.sessionRenew(info.id, { signal }))) return false;
    this.#session = info.id;
    this.#written = entry.value;
    this.#renewAt = startedAt + ttlMs / 3;
    return true;
  }
}
