import { META } from '../catalog/record.ts';
import type { ClusterHost } from '../cluster.ts';
import { describeError } from '../errors.ts';
import { type ContainerInfo, type Docker, isNotFound } from '../hosts/index.ts';
import type { Slots } from '../slots.ts';
import { isLive, type Reading, STARTED_META } from './candidate.ts';
import type { Entry } from './diff.ts';
import { readContainer } from './entries.ts';
import {
  afterInspect,
  afterProbe,
  beginHealth,
  CHECK_DEFAULT,
  type Check,
  checkKey,
  type Health,
  verdictOf,
} from './health.ts';
import type { Prober } from './prober.ts';
import type { CatalogWriter } from './writer.ts';

export interface WatchedOptions {
  readonly docker: Pick<Docker, 'inspectContainer'>;
  readonly host: Pick<ClusterHost, 'name' | 'privateAddress'>;
  readonly writer: Pick<CatalogWriter, 'claim' | 'held'>;
  readonly prober: Prober;
  readonly inspections: Slots;
  readonly sha256: (text: string) => string;
  readonly log: (line: string) => void;
}

/** Milliseconds that the first word on a new container waits for its first probe: one write and one message instead of two. */
const firstWordMs = 50;

/** One check of the container with what is known of it. */
interface Watch {
  check: Check;
  health: Health;
  timer: NodeJS.Timeout | undefined;
  isProbing: boolean;
}

/** One container: looked at in order, probed when due, its claims kept up to date. */
export class WatchedContainer {
  readonly id: string;
  readonly #options: WatchedOptions;
  readonly #end = new AbortController();
  readonly #watches = new Map<string, Watch>();
  #container: ContainerInfo | undefined;
  #reading: Reading = { candidates: [], notes: [] };
  #inspecting: Promise<void> | undefined;
  #isStale = false;
  #firstWord: NodeJS.Timeout | undefined;

  constructor(id: string, options: WatchedOptions) {
    this.id = id;
    this.#options = options;
  }

  /** False until Docker has told of the container for the first time. */
  get isKnown(): boolean {
    return this.#container !== undefined;
  }

  /** True while a look is due: none was had since the last reason for one, or it failed. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** True when Docker did not know the container any more; this object does nothing from then on. */
  get isGone(): boolean {
    return this.#end.signal.aborted;
  }

  /** Whether it ran, or was about to run again, when it was last looked at. */
  get isLive(): boolean {
    return this.#container !== undefined && isLive(this.#container);
  }

  /** Looks at the container again; a look that has begun may be too old and is followed by another. Never rejects. */
  wake(): Promise<void> {
    this.#isStale = true;
    this.#inspecting ??= this.#inspect().finally(() => {
      this.#inspecting = undefined;
    });
    return this.#inspecting;
  }

  /** Ends the probes; what the container claimed stays. */
  close(): void {
    this.#end.abort();
    clearTimeout(this.#firstWord);
    for (const watch of this.#watches.values()) clearTimeout(watch.timer);
  }

  async #inspect(): Promise<void> {
    const { docker, inspections, log } = this.#options;
    const { signal } = this.#end;
    while (this.#isStale && !signal.aborted) {
      try {
        await inspections.run(async () => {
          this.#isStale = false;
          const container = await docker.inspectContainer(this.id, { signal });
          if (!signal.aborted) this.#update(container);
        });
      } catch (error) {
        if (signal.aborted) return;
        if (isNotFound(error)) {
          this.close();
          return this.#options.writer.claim(this.id, []);
        }
        this.#isStale = true;
        log(`${this.id.slice(0, 12)}: cannot be looked at: ${describeError(error)}`);
        return;
      }
    }
  }

  #update(container: ContainerInfo): void {
    const { host, sha256, log, writer } = this.#options;
    const isFirstLook = this.#container === undefined;
    const reading = readContainer(container, host, sha256);
    for (const note of reading.notes) if (!this.#reading.notes.includes(note)) log(note);
    this.#container = container;
    this.#reading = reading;
    const checks = new Map(reading.candidates.map(({ check }) => [checkKey(check), check]));
    for (const [key, watch] of this.#watches) {
      if (checks.has(key)) continue;
      clearTimeout(watch.timer);
      this.#watches.delete(key);
    }
    for (const [key, check] of checks) this.#take(key, check, container);
    const isUnheard = reading.candidates.every(({ id }) => writer.held(id) === undefined);
    // What the catalog holds already is claimed at once: without a claim it would be taken out.
    if (isFirstLook && isUnheard) this.#firstWord = setTimeout(() => this.#publish(), firstWordMs);
    else if (this.#firstWord === undefined) this.#publish();
  }

  #take(key: string, check: Check, container: ContainerInfo): void {
    const now = Date.now();
    const watch = this.#watches.get(key);
    if (watch === undefined) {
      const health = beginHealth(check, container, now, this.#before(key, container));
      const begun: Watch = { check, health, timer: undefined, isProbing: false };
      this.#watches.set(key, begun);
      this.#schedule(begun);
    } else {
      watch.check = check;
      watch.health = afterInspect(check, watch.health, container, now);
      this.#schedule(watch);
    }
  }

  /** What the catalog says of this very start of the container: an earlier life of the registrar found it. */
  #before(key: string, container: ContainerInfo): Entry | undefined {
    const candidate = this.#reading.candidates.find(({ check }) => checkKey(check) === key);
    const held = candidate && this.#options.writer.held(candidate.id);
    const isSame =
      held?.meta[META.container] === this.id && held.meta[STARTED_META] === container.State.StartedAt;
    return isSame ? held : undefined;
  }

  #publish(): void {
    clearTimeout(this.#firstWord);
    this.#firstWord = undefined;
    const container = this.#container;
    if (container === undefined) return;
    const entries = this.#reading.candidates.flatMap(({ check, ...candidate }): Entry[] => {
      const watch = this.#watches.get(checkKey(check));
      const verdict = watch && verdictOf(watch.health, container);
      return verdict === undefined ? [] : [{ ...candidate, ...verdict }];
    });
    this.#options.writer.claim(this.id, entries);
  }

  #schedule(watch: Watch): void {
    clearTimeout(watch.timer);
    const { dueMs } = watch.health;
    const isRunning = this.#container?.State.Status === 'running';
    if (dueMs === undefined || !isRunning || watch.isProbing || this.#end.signal.aborted) return;
    const waitMs = Math.max(0, dueMs - Date.now());
    // After its own restart the registrar finds all containers due at once; this spreads them again.
    const jitter = waitMs < CHECK_DEFAULT.intervalMs / 2 ? 1 : 0.9 + Math.random() / 10;
    watch.timer = setTimeout(() => void this.#probe(watch), waitMs * jitter);
  }

  async #probe(watch: Watch): Promise<void> {
    const { startedAt } = watch.health;
    watch.isProbing = true;
    const finding = await this.#options.prober.run(watch.check, this.id, this.#end.signal);
    watch.isProbing = false;
    if (this.#end.signal.aborted || ![...this.#watches.values()].includes(watch)) return;
    // A finding about an earlier start says nothing about this one.
    if (watch.health.startedAt === startedAt) {
      watch.health = afterProbe(watch.check, watch.health, finding, Date.now());
      this.#publish();
    }
    this.#schedule(watch);
  }
}
