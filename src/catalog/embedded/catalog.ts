import { describeError } from '../../errors.ts';
import { parseGoDuration } from './duration.ts';
import { Expiry } from './expiry.ts';
import { HttpError } from './http-error.ts';
import type { Journal } from './journal.ts';
import { openJournal } from './load.ts';
import { expireTtlCheck } from './services.ts';
import { brokenSessions, endSession } from './sessions.ts';
import type { State, Topic } from './state.ts';
import type { Commit, DraftChange, SessionRow } from './tables.ts';
import { onNode } from './tables.ts';
import { Waiters } from './waiters.ts';

/** Milliseconds since any fixed moment; never goes back. */
export type Clock = () => number;

export interface CatalogOptions {
  readonly dir: string;
  /** Node that the agent's endpoints and sessions without a node mean: the catalog itself. */
  readonly node: string;
  readonly clock: Clock;
  /** The disk refuses writes; undefined: it takes them again. */
  readonly onTrouble: (error: unknown) => void;
}

const SWEEP_MS = 250;

/** The catalog without its HTTP face: state, journal, waiting reads and timers. */
export class Catalog {
  readonly node: string;
  readonly state: State;
  readonly waiters = new Waiters();
  readonly clock: Clock;
  readonly #journal: Journal;
  readonly #expiry: Expiry;
  /** Key → moment from which it may be acquired again. */
  readonly #lockDelays = new Map<string, number>();
  readonly #sweeper: NodeJS.Timeout;
  #steppedDownUntil = 0;

  /** Use {@link openCatalog}. */
  constructor(options: CatalogOptions, state: State, journal: Journal) {
    this.node = options.node;
    this.clock = options.clock;
    this.state = state;
    this.#journal = journal;
    this.#expiry = new Expiry(this.clock());
    // Everybody gets the whole TTL again: the time in which the catalog was away counts for nobody.
    for (const session of state.rows('session')) this.touchSession(session);
    for (const [id] of state.entries('ttl')) this.touchCheck(id);
    this.commit(this.#ownNode());
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  /** Writes the drafts at once, under one index, with the sessions that end because of them. Durable later: {@link durable}. */
  commit(drafts: readonly DraftChange[]): void {
    this.#refuseLasting(drafts);
    const commit = this.state.stamp([...drafts, ...brokenSessions(this.state, drafts)]);
    if (commit === undefined) return;
    this.#noteSessions(commit);
    const topics = this.state.apply(commit);
    this.#journal.append(commit);
    void this.#wakeWhenDurable(topics);
  }

  /** Resolves when all that was committed so far will survive a power loss. */
  durable(): Promise<void> {
    return this.#journal.durable();
  }

  /** Why the disk takes nothing at the moment; undefined: it does. */
  get trouble(): unknown {
    return this.#journal.failure;
  }

  /** No answers for so long, or until this catalog ends: it was handed over to another host. */
  stepDown(ms: number): void {
    this.#steppedDownUntil = this.clock() + ms;
  }

  get isSteppedDown(): boolean {
    return this.#steppedDownUntil > this.clock();
  }

  /** Starts a session's TTL again. */
  touchSession(session: SessionRow): void {
    const ttlMs = parseGoDuration(session.TTL) ?? 0;
    if (ttlMs > 0) this.#expiry.arm(`session ${session.ID}`, this.clock() + ttlMs);
  }

  /** Starts the TTL of a check again; one that is gone or has none is left alone. */
  touchCheck(id: string): void {
    const ttl = this.state.get('ttl', id);
    if (ttl !== undefined) this.#expiry.arm(`check ${id}`, this.clock() + ttl.ttlMs);
  }

  /** Whether a session was lost on the key so recently that nobody may take it yet. */
  isDelayed(key: string): boolean {
    const until = this.#lockDelays.get(key);
    if (until === undefined) return false;
    if (until > this.clock()) return true;
    this.#lockDelays.delete(key);
    return false;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#journal.close();
  }

  /**
   * On a disk that refuses, only what its writers write again by themselves is taken: services, checks, sessions and the
   * keys they hold. So the traffic goes on to be right, and nothing is promised that a restart would lose.
   */
  #refuseLasting(drafts: readonly DraftChange[]): void {
    const { trouble } = this;
    if (trouble === undefined) return;
    const isLasting = drafts.some(
      ({ table, id, row }) =>
        table === 'kv' && row?.Session === undefined && this.state.get('kv', id)?.Session === undefined,
    );
    if (isLasting) throw new HttpError(500, `The catalog's disk takes no writes: ${describeError(trouble)}`);
  }

  async #wakeWhenDurable(topics: ReadonlySet<Topic>): Promise<void> {
    // A disk that refuses wakes as well: what changed is in memory.
    await this.durable().catch(() => undefined);
    this.waiters.wake(topics);
  }

  #noteSessions(commit: Commit): void {
    for (const change of commit.changes) {
      if (change.table === 'ttl' && change.row === null) this.#expiry.disarm(`check ${change.id}`);
      if (change.table !== 'session') continue;
      if (change.row !== null) {
        this.touchSession(change.row);
        continue;
      }
      this.#expiry.disarm(`session ${change.id}`);
      const delayMs = (this.state.get('session', change.id)?.LockDelay ?? 0) / 1e6;
      if (delayMs <= 0) continue;
      for (const row of this.state.rows('kv')) {
        if (row.Session === change.id) this.#lockDelays.set(row.Key, this.clock() + delayMs);
      }
    }
  }

  #sweep(): void {
    for (const due of this.#expiry.sweep(this.clock(), SWEEP_MS)) {
      const cut = due.indexOf(' ');
      const id = due.slice(cut + 1);
      this.commit(due.startsWith('session ') ? endSession(this.state, id) : expireTtlCheck(this.state, id));
    }
    for (const key of this.#lockDelays.keys()) this.isDelayed(key);
  }

  /** As a Consul agent shows itself; sessions depend on `serfHealth` unless they say otherwise. */
  #ownNode(): DraftChange[] {
    const Node = this.node;
    return [
      {
        table: 'node',
        id: Node,
        row: { ID: '', Node, Address: '127.0.0.1', Datacenter: 'dc1', TaggedAddresses: null, Meta: null },
      },
      {
        table: 'check',
        id: onNode(Node, 'serfHealth'),
        row: {
          Node,
          CheckID: 'serfHealth',
          Name: 'Serf Health Status',
          Status: 'passing',
          Notes: '',
          Output: 'Agent alive and reachable',
          ServiceID: '',
          ServiceName: '',
          ServiceTags: [],
          Type: '',
          Definition: {},
        },
      },
    ];
  }
}

/** Reads the directory and starts the timers. @throws SeawallError `refused` when its files are damaged. */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
  const { state, journal } = await openJournal(options.dir, options.onTrouble);
  return new Catalog(options, state, journal);
}
