import { isBelow, prefixOf, type Topic } from './state.ts';

/** Reads that wait for their topic to be touched. */
export class Waiters {
  readonly #byTopic = new Map<Topic, Set<() => void>>();
  /** Topics of key prefixes among them; few, so each touched key is compared with all. */
  readonly #prefixes = new Map<Topic, string>();

  /** Number of reads that wait; for tests and limits. */
  get size(): number {
    return [...this.#byTopic.values()].reduce((sum, waiting) => sum + waiting.size, 0);
  }

  /** Resolves when the topic is woken, after `ms`, or when the signal is aborted. */
  wait(topic: Topic, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#remove(topic, end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#add(topic, end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }

  wake(topics: ReadonlySet<Topic>): void {
    for (const topic of topics) {
      this.#wakeOne(topic);
      for (const [waiting, prefix] of this.#prefixes) {
        if (isBelow(topic, prefix)) this.#wakeOne(waiting);
      }
    }
  }

  #wakeOne(topic: Topic): void {
    for (const end of [...(this.#byTopic.get(topic) ?? [])]) end();
  }

  #add(topic: Topic, end: () => void): void {
    const waiting = this.#byTopic.get(topic) ?? new Set();
    waiting.add(end);
    this.#byTopic.set(topic, waiting);
    const prefix = prefixOf(topic);
    if (prefix !== undefined) this.#prefixes.set(topic, prefix);
  }

  #remove(topic: Topic, end: () => void): void {
    const waiting = this.#byTopic.get(topic);
    waiting?.delete(end);
    if (waiting?.size !== 0) return;
    this.#byTopic.delete(topic);
    this.#prefixes.delete(topic);
  }
}
