import { setTimeout as sleep } from 'node:timers/promises';

const firstMs = 200;
const mostMs = 5000;

/** Waits before attempt number `failures` (from 1): doubled each time, half of it random. Ends early on the signal. */
export async function backOff(failures: number, signal: AbortSignal): Promise<void> {
  const fullMs = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 10));
  await sleep(fullMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
}
