import { SeawallError } from '../errors.ts';
import type { CatalogClient } from './client.ts';
import type { KvEntry } from './entry.ts';
import { parseEntry } from './json.ts';
import type { LeaseRecord } from './record.ts';
import { pause } from './retry.ts';

type Client = Pick<CatalogClient, 'kvGet' | 'kvPut' | 'sessionCreate' | 'sessionDestroy' | 'sessionRenew'>;

export interface LeaseOptions {
  /** Ends the acquiring, not the lease. */
  readonly signal?: AbortSignal;
  /** Default 15000; a holder that died blocks the others for one to two of these. */
  readonly ttlMs?: number;
}

const LEASE_TTL_MS = 15_000;

/** The right to change a project, for one holder at a time; kept by a heartbeat until it is released or lost. */
export class Lease {
  readonly #client: Client;
  readonly #key: string;
  readonly #session: string;
  readonly #ttlMs: number;
  readonly #lost = new AbortController();
  readonly #end = new AbortController();
  readonly #heartbeat: Promise<void>;

  /** Use {@link acquireLease}. */
  constructor(client: Client, key: string, session: string, ttlMs: number, heldSince: number) {
    this.#client = client;
    this.#key = key;
    this.#session = session;
    this.#ttlMs = ttlMs;
    this.#heartbeat = this.#beat(heldSince);
  }

  /** Aborted, with a SeawallError as reason, when others may hold the lease: stop changing things. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Gives the lease back; a catalog that does not answer frees it by itself when the TTL is over. */
  async release(): Promise<void> {
    this.#end.abort();
    await this.#heartbeat;
    await this.#client.sessionDestroy(this.#session, { timeoutMs: 5_000 }).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  async #beat(heldSince: number): Promise<void> {
    const end = this.#end.signal;
    const everyMs = this.#ttlMs / 3;
    let seenAt = heldSince;
    while (!end.aborted) {
      await pause(everyMs, end);
      if (end.aborted) return;
      const startedAt = performance.now();
      try {
        if (!(await this.#isMine(everyMs))) {
          this.#lose('is no longer ours: somebody removed it, or the catalog did not hear of us in time');
          return;
        }
        seenAt = startedAt;
      } catch (error) {
        if (end.aborted) return;
        // The next beat would come too late.
        if (performance.now() + everyMs < seenAt + this.#ttlMs) continue;
        this.#lose('could not be renewed', error);
        return;
      }
    }
  }

  async #isMine(timeoutMs: number): Promise<boolean> {
    const call = { signal: this.#end.signal, timeoutMs };
    if (!(await this.#client.sessionRenew(this.#session, call))) return false;
    const { value: entry } = await this.#client.kvGet(this.#key, call);
    return entry?.session === this.#session;
  }

  #lose(why: string, cause?: unknown): void {
    const hint = 'See who holds it now, and run the command again.';
    this.#lost.abort(new SeawallError('locked', `the lease ${this.#key} ${why}`, { hint, cause }));
  }
}

/**
 * Takes the lease `key`, at once or not at all.
 * @throws SeawallError `locked` when somebody else holds it, saying who, since when, from where and with what.
 */
export async function acquireLease(
  client: Client,
  key: string,
  record: LeaseRecord,
  options: LeaseOptions = {},
): Promise<Lease> {
  const ttlMs = options.ttlMs ?? LEASE_TTL_MS;
  const call = options.signal === undefined ? {} : { signal: options.signal };
  const startedAt = performance.now();
  const session = await client.sessionCreate({ name: `lease ${key}`, ttlMs, behavior: 'delete' }, call);
  try {
    // Twice: a holder may go between the attempt and the look at who it was.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (await client.kvPut(key, JSON.stringify(record), { acquire: session, ...call })) {
        return new Lease(client, key, session, ttlMs, startedAt);
      }
      const { value: entry } = await client.kvGet(key, call);
      if (entry?.session !== undefined) throw lockedBy(key, entry, ttlMs);
    }
    throw new SeawallError('locked', `the lease ${key} cannot be had at the moment`, {
      hint: 'Run the command again.',
    });
  } catch (error) {
    await client.sessionDestroy(session, { timeoutMs: 5_000 }).catch(() => undefined);
    throw error;
  }
}

function lockedBy(key: string, entry: KvEntry, ttlMs: number): SeawallError {
  const { who, from, since, command } = parseEntry<LeaseRecord>(entry);
  const freeAfter = `${Math.ceil((2 * ttlMs) / 1000)} s`;
  return new SeawallError('locked', `${who} on ${from} holds ${key} since ${since}: ${command}`, {
    hint: `Wait until that is done. If it was killed, the lease ends by itself within ${freeAfter}.`,
  });
}
