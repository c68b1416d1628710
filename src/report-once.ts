import { describeError } from './errors.ts';

/** Milliseconds after which the same error is worth a line again. */
const AGAIN_MS = 60_000;

/**
 * Passes an error on when it is another than the one before, when that one was over, or a minute later: a catalog that is
 * away is a line a minute, not hundreds.
 */
export function reportOnce(report: (text: string) => void) {
  let last: string | undefined;
  let reportedAt = 0;
  return {
    report: (error: unknown): void => {
      const text = describeError(error);
      if (text === last && performance.now() - reportedAt < AGAIN_MS) return;
      report(text);
      last = text;
      reportedAt = performance.now();
    },
    over: (): void => {
      last = undefined;
    },
  };
}
