import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds before attempt `attempt` (from 1): doubled from 200 to `maxMs`, of which the last half is random. */
export function retryDelayMs(attempt: number, maxMs = 5_000): number {
  const full = Math.min(maxMs, 200 * 2 ** Math.min(attempt - 1, 10));
  return Math.round(full * (0.5 + Math.random() / 2));
}

/** Waits; ends early, without an error, when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
