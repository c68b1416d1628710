/** Milliseconds. */
export interface GatherTimes {
  /** What has come is delivered when nothing came for so long … */
  readonly quietMs: number;
  /** … or when it has waited for so long. */
  readonly mostMs: number;
}

/** Delivers the last of what comes in quick succession. */
export class Gather<T> {
  readonly #times: GatherTimes;
  readonly #deliver: (value: T) => void;
  #waiting: { readonly sinceMs: number; readonly timer: NodeJS.Timeout } | undefined;

  constructor(times: GatherTimes, deliver: (value: T) => void) {
    this.#times = times;
    this.#deliver = deliver;
  }

  /** @param isUrgent it is delivered at once, in place of what waits. */
  put(value: T, { nowMs, isUrgent }: { readonly nowMs: number; readonly isUrgent: boolean }): void {
    const { quietMs, mostMs } = this.#times;
    const sinceMs = this.#waiting?.sinceMs ?? nowMs;
    this.close();
    const waitMs = isUrgent ? 0 : Math.min(quietMs, sinceMs + mostMs - nowMs);
    if (waitMs <= 0) {
      this.#deliver(value);
      return;
    }
    const timer = setTimeout(() => {
      this.#waiting = undefined;
      this.#deliver(value);
    }, waitMs);
    this.#waiting = { sinceMs, timer };
  }

  /** What waits is not delivered any more. */
  close(): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting = undefined;
  }
}
