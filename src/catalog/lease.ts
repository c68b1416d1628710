import { SeawallError } from '../errors.ts';
import { pause, retryDelayMs } from '../retry.ts';
import type { CatalogClient } from './client.ts';
import type { KvEntry } from './entry.ts';
import { parseEntry } from './json.ts';
import type { LeaseRecord } from './record.ts';

type Client = Pick<CatalogClient, 'kvGet' | 'kvPut' | 'sessionCreate' | 'sessionDestroy' | 'sessionRenew'>;

export interface LeaseOptions {
  /** Ends the acquiring, not the lease. */
  readonly signal?: AbortSignal;
  /** Default 15000; a holder that died blocks the others for one to two of these. */
  readonly ttlMs?: number;
  /** Milliseconds to wait for somebody else to give it back; default 0: not at all. */
  readonly waitMs?: number;
  /** Called when the waiting begins, and again with every other holder that comes between. */
  readonly onWait?: (holder: LeaseRecord) => void;
}

const LEASE_TTL_MS = 15_000;
/** Longest single question while waiting: proxies and servers cut longer ones. */
const LOOK_EVERY_MS = 20_000;

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
 * Takes the lease `key`, at once or, with `waitMs`, when its holder gives it back or dies.
 * @param record who takes it; as a function it is asked before each attempt, so that it can tell the time.
 * @throws SeawallError `locked` when somebody else holds it (still), saying who, since when, from where and with what.
 */
export async function acquireLease(
  client: Client,
  key: string,
  record: LeaseRecord | (() => LeaseRecord),
  options: LeaseOptions = {},
): Promise<Lease> {
  const { ttlMs = LEASE_TTL_MS, waitMs = 0, onWait } = options;
  const deadline = performance.now() + waitMs;
  let told: string | undefined;
  for (;;) {
    const mine = typeof record === 'function' ? record() : record;
    const found = await tryLease(client, key, mine, { ...options, ttlMs });
    if (found instanceof Lease) return found;
    if (performance.now() >= deadline) throw lockedBy(key, found, ttlMs, waitMs);
    if (found.session !== told) onWait?.(parseEntry<LeaseRecord>(found));
    told = found.session;
    await waitUntilFree(client, key, found, deadline, options.signal);
  }
}

/** One attempt: the lease, or the entry of who holds it. */
async function tryLease(
  client: Client,
  key: string,
  record: LeaseRecord,
  { signal, ttlMs }: { readonly signal?: AbortSignal; readonly ttlMs: number },
): Promise<Lease | KvEntry> {
  const call = signal === undefined ? {} : { signal };
  const startedAt = performance.now();
  const session = await client.sessionCreate({ name: `lease ${key}`, ttlMs, behavior: 'delete' }, call);
  let holder: KvEntry | undefined;
  try {
    // Again: a holder may go between the attempt and the look at who it was.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (await client.kvPut(key, JSON.stringify(record), { acquire: session, ...call })) {
        return new Lease(client, key, session, ttlMs, startedAt);
      }
      holder = (await client.kvGet(key, call)).value;
      if (holder?.session !== undefined) break;
    }
    if (holder?.session === undefined) {
      throw new SeawallError('locked', `the lease ${key} cannot be had at the moment`, {
        hint: 'Run the command again.',
      });
    }
  } catch (error) {
    await giveUp(client, session);
    throw error;
  }
  await giveUp(client, session);
  return holder;
}

const giveUp = (client: Client, session: string): Promise<unknown> =>
  client.sessionDestroy(session, { timeoutMs: 5_000 }).catch(() => undefined);

/** Waits until another session than the holder's is on the key, or none, or the deadline; a catalog that is away is waited for. */
async function waitUntilFree(
  client: Client,
  key: string,
  holder: KvEntry,
  deadline: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  let index = 0;
  let failures = 0;
  for (;;) {
    signal.throwIfAborted();
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return;
    try {
      const waitMs = Math.ceil(Math.min(leftMs, LOOK_EVERY_MS));
      const { value, index: seen } = await client.kvGet(key, {
        signal,
        ...(index > 0 ? { index, waitMs } : {}),
      });
      if (value?.session !== holder.session) return;
      failures = 0;
      // Going backwards: another life of the catalog, or woken for nothing.
      if (seen <= index) await pause(100, signal);
      index = seen < index ? 0 : seen;
    } catch (error) {
      if (!(error instanceof SeawallError) || error.code !== 'unreachable') throw error;
      failures += 1;
      index = 0;
      await pause(Math.min(retryDelayMs(failures), leftMs), signal);
    }
  }
}

function lockedBy(key: string, entry: KvEntry, ttlMs: number, waitedMs: number): SeawallError {
  const { who, from, since, command } = parseEntry<LeaseRecord>(entry);
  const freeAfter = `${Math.ceil((2 * ttlMs) / 1000)} s`;
  const still = waitedMs > 0 ? ` still, after ${Math.round(waitedMs / 1000)} s` : '';
  return new SeawallError('locked', `${who} on ${from} holds ${key} since ${since}${still}: ${command}`, {
    hint: `Wait until that is done: add --lock-wait. If it was killed, the lease ends by itself within ${freeAfter}.`,
  });
}
