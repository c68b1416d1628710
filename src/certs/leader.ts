import { setTimeout as sleep } from 'node:timers/promises';
import type { CertificateWish } from '../catalog/tls-record.ts';
import { describeError } from '../errors.ts';
import { reportOnce } from '../report-once.ts';
import { Wake } from '../wake.ts';
import { Arrivals, waitingNames } from './arrivals.ts';
import { Book } from './book.ts';
import { OrderBudget } from './budget.ts';
import { Heard } from './heard.ts';
import { sweepAnswers } from './http-solver.ts';
import { type Hands, makeHands } from './perform.ts';
import { decide } from './policy.ts';
import { HOUR_MS, MINUTE_MS } from './renewal.ts';
import { hopeful } from './state.ts';
import { type Decision, restKey, type Task, taskId } from './task.ts';
import type { CertificatesOptions } from './watch.ts';

/** Tasks of a kind at the same time. Few orders: the CA and the edges are to be left with air. */
const SLOTS = { quick: 4, order: 4, ask: 2 } as const;
/** Between two readings of everything: somebody may have changed it by hand, or the catalog was restored. */
const RELOAD_MS = 15 * MINUTE_MS;
/** Before a task is tried again that failed without a plan in the state; doubled each time. */
const REST_MS = { first: MINUTE_MS, most: HOUR_MS };
const FAILED_PASS_MS = 2_000;
/** What is under way gets this long to end in good order. */
const END_MS = 3_000;

/** One life as the leader: everything due is done until the signal is aborted. */
export class Leader {
  readonly #options: CertificatesOptions;
  readonly #signal: AbortSignal;
  readonly #heard: Heard;
  readonly #book: Book;
  readonly #hands: Hands;
  readonly #wake = new Wake();
  readonly #budget = new OrderBudget();
  readonly #running = new Map<string, { readonly slot: keyof typeof SLOTS; readonly done: Promise<void> }>();
  readonly #resting = new Map<string, number>();
  /** Failures in a row, by the same key. */
  readonly #failures = new Map<string, number>();
  readonly #handledFiles = new Map<string, string>();
  readonly #told = new Set<string>();
  readonly #onError: (error: unknown) => void;
  readonly #arrivals: Arrivals;
  #isLooking = false;
  #lookAt = 0;
  #loadAt = 0;
  #refreshAt = 0;

  constructor(options: CertificatesOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#onError = reportOnce((text) => options.log(`warn certs: ${text}`)).report;
    const { client, look } = options;
    this.#arrivals = new Arrivals({ client, look });
    const onChange = () => this.#wake.ring();
    this.#heard = new Heard({ client, signal, onChange, onError: this.#onError });
    this.#book = new Book(client);
    this.#hands = makeHands(options, this.#book, signal);
  }

  /** @returns once the signal is aborted; never rejects. */
  async run(): Promise<void> {
    const signal = this.#signal;
    const following = this.#heard.follow();
    let isSwept = false;
    while (!signal.aborted) {
      try {
        if (!isSwept) await sweepAnswers(this.#options.client, { signal });
        isSwept = true;
        await this.#pass();
      } catch (error) {
        if (signal.aborted) break;
        this.#onError(error);
        await this.#wake.wait(FAILED_PASS_MS, signal);
      }
    }
    await Promise.race([Promise.all([...this.#running.values()].map(({ done }) => done)), sleep(END_MS)]);
    await following;
  }

  /** Does what is due, then waits until something happens or something is due. */
  async #pass(): Promise<void> {
    const signal = this.#signal;
    const heard = this.#heard.all;
    const { limits, chance } = this.#options;
    if (heard === undefined) return this.#wake.wait(limits.longestWaitMs, signal);
    await this.#keepUp();
    this.#tellConflicts(heard.conflicts);
    const now = chance.now();
    const waiting = waitingNames(heard.wishes, this.#book.states, now);
    const looking = waiting.length > 0 && !this.#isLooking && performance.now() >= this.#lookAt;
    if (looking) void this.#lookAtNames(waiting);
    const decision = decide({
      ...{ wishes: heard.wishes, requests: heard.requests, now },
      live: this.#book.live,
      states: this.#book.states,
      resting: this.#resting,
      handledFiles: this.#handledFiles,
    });
    const budgetMs = this.#start(decision, now);
    const dueMs = (decision.wakeAt ?? Number.POSITIVE_INFINITY) - now;
    await this.#wake.wait(Math.max(0, Math.min(dueMs, budgetMs, limits.longestWaitMs)), signal);
  }

  /** What is done between tasks: reading anew, hope after a rewritten wish, the revocation list. */
  async #keepUp(): Promise<void> {
    const call = { signal: this.#signal };
    if (performance.now() >= this.#loadAt && this.#running.size === 0) {
      await this.#book.load(call);
      this.#loadAt = performance.now() + RELOAD_MS;
    }
    for (const id of this.#heard.takeRewritten()) {
      for (const key of [...this.#resting.keys()]) if (key.endsWith(` ${id}`)) this.#resting.delete(key);
      if (!this.#running.has(id)) await this.#book.note(id, hopeful, call);
    }
    if (performance.now() < this.#refreshAt) return;
    this.#refreshAt = performance.now() + HOUR_MS;
    await this.#hands.refresh(call).catch((error: unknown) => {
      if (!this.#signal.aborted) this.#onError(error);
      this.#refreshAt = performance.now() + MINUTE_MS;
    });
  }

  /** Never rejects. */
  async #lookAtNames(waiting: readonly CertificateWish[]): Promise<void> {
    const call = { signal: this.#signal };
    this.#isLooking = true;
    try {
      for (const id of await this.#arrivals.look(waiting, call)) {
        if (this.#running.has(id)) continue;
        await this.#book.note(id, hopeful, call);
        this.#options.log(`info certs: ${id}: the DNS leads here now; it is tried again`);
        this.#wake.ring();
      }
    } catch (error) {
      if (!this.#signal.aborted) this.#onError(error);
    }
    this.#isLooking = false;
    this.#lookAt = performance.now() + this.#options.limits.lookMs;
  }

  /** Starts what has a place. @returns milliseconds until an order may be made that had to wait for the CA's limits. */
  #start({ tasks }: Decision, now: number): number {
    let waitMs = Number.POSITIVE_INFINITY;
    for (const task of tasks) {
      const id = taskId(task);
      const slot = slotOf(task);
      const inSlot = [...this.#running.values()].filter((one) => one.slot === slot).length;
      if (this.#running.has(id) || inSlot >= SLOTS[slot]) continue;
      const heldMs = task.kind === 'order' ? this.#orderWait(task, now) : 0;
      if (heldMs > 0) waitMs = Math.min(waitMs, heldMs);
      else this.#running.set(id, { slot, done: this.#run(task, id) });
    }
    return waitMs;
  }

  /** Renewals that name what they replace are not counted by the CA (Let's Encrypt, "ARI renewals"). */
  #orderWait(task: Extract<Task, { readonly kind: 'order' }>, now: number): number {
    const [issuer] = task.issuers;
    if (issuer === undefined || ['renewal', 'resumed'].includes(task.why)) return 0;
    return this.#budget.take(task.rehearses ? (issuer.staging ?? issuer.directory) : issuer.directory, now);
  }

  /** Never rejects. */
  async #run(task: Task, id: string): Promise<void> {
    const key = restKey(task.kind, id);
    try {
      const restMs = await this.#hands.perform(task, { signal: this.#signal });
      if (restMs > 0) this.#resting.set(key, this.#options.chance.now() + restMs);
      else this.#resting.delete(key);
      this.#failures.delete(key);
      if (task.kind === 'files') this.#handledFiles.set(id, task.wish.files ?? '');
      if (task.kind === 'request') this.#heard.drop(id, task.request.request);
    } catch (error) {
      if (this.#signal.aborted) return;
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const restMs = Math.min(REST_MS.most, REST_MS.first * 2 ** Math.min(failures - 1, 10));
      this.#resting.set(key, this.#options.chance.now() + restMs);
      this.#options.log(`warn certs: ${id}: ${task.kind}: ${describeError(error)}`);
    } finally {
      this.#running.delete(id);
      this.#wake.ring();
    }
  }

  #tellConflicts(conflicts: readonly { id: string; holds: string; yields: string }[]): void {
    for (const { id, holds, yields } of conflicts) {
      const text = `${id}: ${holds} and ${yields} wish different certificates; that of ${holds} is made`;
      if (!this.#told.has(text)) this.#options.log(`warn certs: ${text}`);
      this.#told.add(text);
    }
  }
}

function slotOf({ kind }: Task): keyof typeof SLOTS {
  if (kind === 'order' || kind === 'request') return 'order';
  return kind === 'ask' ? 'ask' : 'quick';
}
