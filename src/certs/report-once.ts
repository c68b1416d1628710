import { describeError } from '../errors.ts';

/** Passes an error on when it is another than the one before, or a minute later. */
export function reportOnce(report: (text: string) => void): (error: unknown) => void {
  let last = '';
  let reportedAt = 0;
  return (error) => {
    const text = describeError(error);
    if (text === last && performance.now() - reportedAt < 60_000) return;
    report(text);
    last = text;
    reportedAt = performance.now();
  };
}
