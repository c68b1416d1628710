/** How many orders an account makes. Pure: the clock comes in. */

/** Let's Encrypt takes 300 new orders per account in 3 hours, one more every 36 s; a little is left for requests. */
const BURST = 250;
const REFILL_MS = 40_000;

/** A bucket of new orders per directory, so that 2,000 new names wait here instead of being refused there. */
export class OrderBudget {
  readonly #buckets = new Map<string, { left: number; at: number }>();

  /** @returns 0 when an order may be made (it is counted then), else milliseconds to wait. */
  take(directory: string, now: number): number {
    const bucket = this.#buckets.get(directory) ?? { left: BURST, at: now };
    const left = Math.min(BURST, bucket.left + Math.max(0, now - bucket.at) / REFILL_MS);
    const isFree = left >= 1;
    this.#buckets.set(directory, { left: isFree ? left - 1 : left, at: now });
    return isFree ? 0 : Math.ceil((1 - left) * REFILL_MS);
  }
}
