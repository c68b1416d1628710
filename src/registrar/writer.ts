import { type CatalogClient, parseEntry, type Registration } from '../catalog/index.ts';
import { type FenceRecord, isFenced, KEY, META, maintenanceCheckId } from '../catalog/record.ts';
import type { ClusterHost } from '../cluster.ts';
import { describeError } from '../errors.ts';
import { Slots } from '../slots.ts';
import { backOff } from './backoff.ts';
import { actionFor, checkId, type Entry, heldEntries } from './diff.ts';

const writesAtATime = 8;
/** A failing check whose text changes with every probe is written no more often than this. */
const refreshMs = 2000;

export interface WriterOptions {
  readonly client: Pick<CatalogClient, 'kvGet' | 'register' | 'deregister' | 'nodeServices' | 'nodeChecks'>;
  readonly host: Pick<ClusterHost, 'name' | 'privateAddress'>;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/**
 * Keeps what the catalog says of this host at what the containers claim. Each id is written in order, by comparing what is
 * wanted at that moment with what the catalog holds; so neither a quick restart nor a new container under an old name
 * can leave an older word behind.
 */
export class CatalogWriter {
  readonly #options: WriterOptions;
  readonly #slots = new Slots(writesAtATime);
  /** Id → container → entry, in the order in which the containers came. */
  readonly #claims = new Map<string, Map<string, Entry>>();
  readonly #held = new Map<string, Entry>();
  /** Id → count of all writes and reads when it was last written. */
  readonly #written = new Map<string, { readonly turn: number; readonly atMs: number }>();
  readonly #busy = new Map<string, Promise<void>>();
  readonly #later = new Map<string, NodeJS.Timeout>();
  #turn = 0;
  #isAway = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** What the catalog holds under an id, as far as it is known. */
  held(id: string): Entry | undefined {
    return this.#held.get(id);
  }

  /**
   * Replaces what a container claims. Of two that claim one id the later comer has it: a container's name, and with it
   * the id, is free again only when its old bearer is gone.
   */
  claim(container: string, entries: readonly Entry[]): void {
    const ids = new Set(entries.map(({ id }) => id));
    for (const [id, claims] of this.#claims) {
      if (ids.has(id) || !claims.delete(container)) continue;
      if (claims.size === 0) this.#claims.delete(id);
      this.#sync(id);
    }
    for (const entry of entries) {
      const claims = this.#claims.get(entry.id) ?? new Map<string, Entry>();
      this.#claims.set(entry.id, claims.set(container, entry));
      this.#sync(entry.id);
    }
  }

  /** Reads what the catalog holds of this host. Throws what the client throws. */
  async read(): Promise<void> {
    const { client, host, signal } = this.#options;
    const turn = ++this.#turn;
    const [services, checks] = await Promise.all([
      client.nodeServices(host.name, { signal }),
      client.nodeChecks(host.name, { signal }),
    ]);
    const found = heldEntries(services.value, checks.value);
    for (const id of new Set([...this.#held.keys(), ...found.keys()])) {
      // Written while the answer was on its way: what was written is newer.
      if (this.#busy.has(id) || (this.#written.get(id)?.turn ?? 0) > turn) continue;
      const entry = found.get(id);
      if (entry === undefined) this.#held.delete(id);
      else this.#held.set(id, entry);
    }
  }

  /**
   * Writes whatever differs. Only to be called when every container has made its claim.
   * @param unknown containers that are there but could not be read: their entries stay
   */
  writeAll(unknown: ReadonlySet<string>): void {
    for (const [id, claims] of this.#claims) {
      if (claims.size > 1)
        this.#options.log(`${id}: ${claims.size} containers claim this id; one is registered`);
    }
    for (const id of new Set([...this.#held.keys(), ...this.#claims.keys()])) {
      const held = this.#held.get(id);
      if (this.#claims.has(id) || held === undefined || !unknown.has(owner(held))) this.#sync(id);
    }
  }

  /** Resolves when no write is under way or waits. */
  async settled(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
  }

  #wanted(id: string): Entry | undefined {
    return [...(this.#claims.get(id)?.values() ?? [])].at(-1);
  }

  #sync(id: string): void {
    if (this.#busy.has(id) || this.#options.signal.aborted) return;
    clearTimeout(this.#later.get(id));
    this.#later.delete(id);
    const { kind } = actionFor(this.#wanted(id), this.#held.get(id));
    if (kind === 'none') return;
    const restMs = (this.#written.get(id)?.atMs ?? 0) + refreshMs - Date.now();
    if (kind === 'refresh' && restMs > 0) {
      this.#later.set(id, setTimeout(() => this.#sync(id), restMs).unref());
      return;
    }
    const work = this.#bring(id).finally(() => {
      this.#busy.delete(id);
      this.#sync(id);
    });
    this.#busy.set(id, work);
  }

  /** Tries until one write of the id went through or is not needed any more. */
  async #bring(id: string): Promise<void> {
    const { signal, log } = this.#options;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        await this.#slots.run(() => this.#write(id));
        if (this.#isAway) log('the catalog takes entries again');
        this.#isAway = false;
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!this.#isAway) log(`the catalog takes no entries, trying on: ${describeError(error)}`);
        this.#isAway = true;
        await backOff(failures, signal);
      }
    }
  }

  async #write(id: string): Promise<void> {
    const { client, host, signal } = this.#options;
    const action = actionFor(this.#wanted(id), this.#held.get(id));
    if (action.kind === 'none') return;
    if (action.kind === 'deregister' || action.kind === 'replace') {
      await client.deregister({ node: host.name, serviceId: id }, { signal });
      this.#noteWritten(id, undefined);
    }
    if (action.kind === 'deregister') return;
    const isFirst = this.#held.get(id) === undefined;
    const fenced = isFirst && (await this.#isFenced(action.entry));
    await client.register(registration(host, action.entry, fenced), { signal });
    this.#noteWritten(id, action.entry);
  }

  /** Asked before anything new is registered: this host may come back with what was replaced without it. */
  async #isFenced({ meta }: Entry): Promise<boolean> {
    const { client, host, signal } = this.#options;
    if (meta[META.project] === undefined) return false;
    const { value } = await client.kvGet(KEY.fence(host.name), { signal });
    return value !== undefined && isFenced(parseEntry<FenceRecord>(value), meta);
  }

  #noteWritten(id: string, entry: Entry | undefined): void {
    if (entry === undefined) this.#held.delete(id);
    else this.#held.set(id, entry);
    this.#written.set(id, { turn: ++this.#turn, atMs: Date.now() });
  }
}

const FENCED = {
  name: 'Service Maintenance Mode',
  status: 'critical',
  output: 'replaced while this host was away; the next deploy clears it away',
} as const;

const owner = (entry: Entry): string => entry.meta[META.container] ?? '';

function registration(
  host: Pick<ClusterHost, 'name' | 'privateAddress'>,
  entry: Entry,
  fenced: boolean,
): Registration {
  const { id, service: name, address, port, tags, meta, status, output } = entry;
  return {
    node: host.name,
    nodeAddress: host.privateAddress,
    service: { id, name, address, port, tags, meta },
    checks: [
      { id: checkId(id), name: 'Seawall', status, output, serviceId: id },
      ...(fenced ? [{ ...FENCED, id: maintenanceCheckId(id), serviceId: id }] : []),
    ],
  };
}
