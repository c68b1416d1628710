import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Looks again and again, with `everyMs` milliseconds between, until `look` gives something else than undefined or false; fails
 * after `seconds` with what it last threw.
 */
export async function until<T>(
  what: string,
  seconds: number,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  everyMs = 250,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) assert.fail(`not within ${seconds} s: ${what} ${last ?? ''}`);
    await sleep(everyMs);
  }
}
