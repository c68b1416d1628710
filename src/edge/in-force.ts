import { isDeepStrictEqual } from 'node:util';
import type { Acknowledgement } from '../catalog/record.ts';
import { workersToEnd } from './bounds.ts';
import { type GenerationBook, lingeringOf, oldWorkers, withGeneration, withWorkers } from './lingering.ts';
import { type EdgeModel, servicesInForce } from './model.ts';
import type { NginxControl } from './nginx.ts';
import { renderNginx } from './render.ts';
import type { Worker } from './workers.ts';

export interface InForceOptions {
  readonly nginx: NginxControl;
  /** What an earlier run of the loop knew. */
  readonly book: GenerationBook;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** What nginx serves and what its old workers may still do. */
export type Confirmation = Pick<Acknowledgement, 'generation' | 'services' | 'lingering'>;

/** What an edge is doing, for people and metrics. */
export interface EdgeStatus {
  /** Configuration that nginx confirmed; undefined while it does not answer. */
  readonly generation: number | undefined;
  readonly oldWorkers: number;
  readonly oldWorkerBytes: number;
  /** Client connections cut since the start because there were too many old workers. */
  readonly cutSockets: number;
}

/** Puts models into force, one generation after the other, and keeps the book of who may still use what. */
export class InForce {
  readonly #options: InForceOptions;
  #book: GenerationBook;
  #model: EdgeModel | undefined;
  /** What was written for it. */
  #text: string | undefined;
  #workers: readonly Worker[] | undefined;
  #running: number | undefined;
  /** Generation after whose confirmation the workers were looked at. */
  #scanned: number | undefined;
  #cutSockets = 0;

  constructor(options: InForceOptions) {
    this.#options = options;
    this.#book = options.book;
  }

  get book(): GenerationBook {
    return this.#book;
  }

  get status(): EdgeStatus {
    const old = oldWorkers(this.#workers ?? [], this.#book, this.#running ?? -1);
    return {
      generation: this.#running,
      oldWorkers: old.length,
      oldWorkerBytes: old.reduce((sum, worker) => sum + worker.memoryBytes, 0),
      cutSockets: this.#cutSockets,
    };
  }

  /**
   * Gives nginx the model unless it has it already. The generation in the model's settings is not looked at.
   * @param remember writes the book down; called before nginx learns of anything new, so that whoever comes after a crash
   *   knows what its workers may do.
   */
  async put(model: EdgeModel, remember: () => Promise<void>): Promise<void> {
    const { nginx, signal, log } = this.#options;
    const current = await nginx.current();
    const addresses = model.upstreams.flatMap((upstream) => upstream.addresses);
    const same = withGenerationNumber(model, current?.generation ?? 0);
    if (current !== undefined && this.#isTextOf(same, current.text)) {
      if (this.#book.addresses[current.generation] === undefined)
        this.#book = withGeneration(this.#book, current.generation, addresses);
      await remember();
      this.#model = same;
      this.#text = current.text;
      return;
    }
    const next = withGenerationNumber(model, await nginx.nextNumber());
    const { generation } = next.settings;
    const text = renderNginx(next);
    const outcome = await nginx.apply({ generation, text }, signal, async () => {
      if (current !== undefined) await this.#note(current.generation);
      this.#book = withGeneration(this.#book, generation, addresses);
      await remember();
    });
    log(
      `edge: generation ${generation} ${outcome}: ${next.servers.length} domains, ${addresses.length} addresses`,
    );
    this.#model = next;
    this.#text = text;
  }

  /** With thousands of domains a look at what is the same takes less than writing all of it down again. */
  #isTextOf(model: EdgeModel, text: string): boolean {
    if (text === this.#text && isDeepStrictEqual(model, this.#model)) return true;
    return renderNginx(model) === text;
  }

  /**
   * Asks nginx whether it serves what was put, makes it so, and looks at its old workers.
   * @param elsewhere addresses that the catalog knows.
   * @returns undefined when nothing was put yet or nginx does not answer.
   */
  async confirm(elsewhere: readonly string[]): Promise<Confirmation | undefined> {
    const { nginx, signal } = this.#options;
    if (this.#model === undefined) return undefined;
    const { generation } = this.#model.settings;
    this.#running = await nginx.running(signal);
    if (this.#running === undefined) return undefined;
    // It was started between two writes, or did not hear.
    if (this.#running !== generation) await nginx.reload(generation, signal);
    this.#running = generation;
    if (this.#mayHaveOldWorkers(generation)) {
      await this.#note(generation);
      await this.#bound(generation);
      this.#scanned = generation;
    }
    const services = servicesInForce(this.#model);
    const inForce = new Set(Object.values(services).flat());
    return { generation, services, lingering: this.#lingering(generation, inForce, elsewhere) };
  }

  #mayHaveOldWorkers(generation: number): boolean {
    if (this.#scanned !== generation || this.#workers === undefined) return true;
    return oldWorkers(this.#workers, this.#book, generation).length > 0;
  }

  /** Looks which workers there are; those that serve and are not known belong to `current`. */
  async #note(current: number): Promise<void> {
    this.#workers = await this.#options.nginx.workers(this.#options.signal);
    if (this.#workers !== undefined) this.#book = withWorkers(this.#book, this.#workers, current);
  }

  #lingering(
    generation: number,
    inForce: ReadonlySet<string>,
    elsewhere: readonly string[],
  ): Acknowledgement['lingering'] {
    if (this.#workers !== undefined)
      return lingeringOf(this.#workers, this.#book, generation, inForce, elsewhere);
    // The container answered a moment ago but could not be looked into: nothing is known of its old workers.
    const all = new Set([...elsewhere, ...Object.values(this.#book.addresses).flat()]);
    const gone = [...all].filter((address) => !inForce.has(address)).toSorted();
    return Object.fromEntries(gone.map((address) => [address, { requests: -1, upgraded: 0 }]));
  }

  /** Ends the oldest workers when there are too many. */
  async #bound(generation: number): Promise<void> {
    const { nginx, signal, log } = this.#options;
    const doomed = workersToEnd(this.#workers ?? [], this.#book, generation);
    if (doomed.length === 0) return;
    await nginx.endWorkers(doomed, signal);
    const sockets = doomed.reduce((sum, worker) => sum + worker.clients, 0);
    this.#cutSockets += sockets;
    log(`edge: ${doomed.length} old nginx workers ended, ${sockets} connections cut`);
  }
}

const withGenerationNumber = (model: EdgeModel, generation: number): EdgeModel => ({
  ...model,
  settings: { ...model.settings, generation },
});
