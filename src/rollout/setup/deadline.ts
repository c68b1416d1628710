import { setTimeout as sleep } from 'node:timers/promises';
import { SeawallError } from '../../errors.ts';

export interface Deadline {
  /** What is waited for, as in "X did not happen within 60 s". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly where?: string;
  readonly hint?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks until there is a value, a little less often each time. An `unreachable` on the way counts as "not yet".
 * @throws SeawallError `timeout` with the last failure as cause.
 */
export async function waitFor<T>(deadline: Deadline, ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + deadline.timeoutMs;
  let cause: unknown;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, 1000)) {
    deadline.signal?.throwIfAborted();
    try {
      const value = await ask();
      if (value !== undefined) return value;
      cause = undefined;
    } catch (error) {
      if (!(error instanceof SeawallError) || !['unreachable', 'timeout'].includes(error.code)) throw error;
      cause = error;
    }
    if (performance.now() > end) {
      const { what, timeoutMs, where, hint } = deadline;
      throw new SeawallError('timeout', `${what} within ${timeoutMs / 1000} s`, {
        ...(where === undefined ? {} : { where }),
        ...(hint === undefined ? {} : { hint }),
        ...(cause === undefined ? {} : { cause }),
      });
    }
    const jitter = 0.75 + Math.random() / 2;
    await sleep(
      pauseMs * jitter,
      undefined,
      deadline.signal === undefined ? {} : { signal: deadline.signal },
    );
  }
}
