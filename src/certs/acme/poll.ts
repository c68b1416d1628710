import { setTimeout as sleep } from 'node:timers/promises';
import { AcmeError, type Asked, outage } from './error.ts';
import type { AcmeCall } from './transport.ts';

/** A named wait: for how long, and until when it may be broken off. */
export interface AcmeWait extends AcmeCall {
  /** Milliseconds in all. */
  readonly timeoutMs: number;
}

const FIRST_MS = 500;
const SHORTEST_MS = 100;
/** More is not waited between two looks, whatever the server asks for. */
const LONGEST_MS = 15_000;

/** One look: what there is, and how long the server asks to wait. */
export interface Look<T> {
  readonly found: T;
  readonly retryAfterMs: number | undefined;
}

/**
 * Looks again and again until `isDone`, as often as the server wants (RFC 8555 section 7.5.1), at most every 0.1 s and at least every 15 s, once more at the end.
 * @throws AcmeError `timeout`; the signal's reason.
 */
export async function pollUntil<T>(
  asked: Asked,
  wait: AcmeWait,
  look: () => Promise<Look<T>>,
  isDone: (found: T) => boolean,
): Promise<T> {
  const deadline = performance.now() + wait.timeoutMs;
  let ownMs = FIRST_MS;
  for (;;) {
    const { found, retryAfterMs } = await look();
    if (isDone(found)) return found;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) throw overdue(asked, wait.timeoutMs);
    const pauseMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, retryAfterMs ?? ownMs), leftMs);
    await sleep(pauseMs, undefined, wait.signal === undefined ? {} : { signal: wait.signal }).catch(
      (error: unknown) => {
        throw wait.signal?.aborted === true ? wait.signal.reason : error;
      },
    );
    ownMs = Math.min(LONGEST_MS, ownMs * 1.5);
  }
}

function overdue(asked: Asked, timeoutMs: number): AcmeError {
  const { message, directory } = outage(asked, `was not done within ${Math.round(timeoutMs / 1000)} s`);
  return new AcmeError('timeout', message, directory, {
    hint: 'The CA may only be busy: the order stands and is asked again.',
  });
}
