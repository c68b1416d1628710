/** A sweep that comes later than this was held up: by a suspended machine, or by a disk that did not answer. */
const LATE_MS = 2_000;

/**
 * Deadlines of sessions and TTL checks. When the sweep itself was late, signs of life may wait unread: all deadlines
 * are then moved by the time that was lost, so that nobody is declared dead because the catalog slept.
 */
export class Expiry {
  readonly #deadlines = new Map<string, number>();
  #sweptAt: number;

  constructor(nowMs: number) {
    this.#sweptAt = nowMs;
  }

  /** Sets the deadline of `id`, or moves it. */
  arm(id: string, deadlineMs: number): void {
    this.#deadlines.set(id, deadlineMs);
  }

  disarm(id: string): void {
    this.#deadlines.delete(id);
  }

  /** Takes out what is due. @param everyMs milliseconds between two sweeps. */
  sweep(nowMs: number, everyMs: number): string[] {
    const lateMs = nowMs - this.#sweptAt - everyMs;
    this.#sweptAt = nowMs;
    if (lateMs > LATE_MS) {
      for (const [id, deadline] of this.#deadlines) this.#deadlines.set(id, deadline + lateMs);
    }
    const due = [...this.#deadlines].filter(([, deadline]) => deadline <= nowMs).map(([id]) => id);
    for (const id of due) this.#deadlines.delete(id);
    return due;
  }
}
