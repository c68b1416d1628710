import { setTimeout as sleep } from 'node:timers/promises';

/** A bell that a loop waits on: rings while nobody waits are kept, many rings are one. */
export class Wake {
  #bell = new AbortController();

  ring(): void {
    this.#bell.abort();
  }

  /** Waits for a ring, `ms` milliseconds at the most, or until the signal is aborted. Never rejects. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([this.#bell.signal, signal]);
    if (!ended.aborted) await sleep(ms, undefined, { signal: ended }).catch(() => undefined);
    this.#bell = new AbortController();
  }
}
