import { describeError } from '../errors.ts';

/** Reports an error unless it is the same as before, until it is over. */
export function reportOnce(log: (text: string) => void) {
  let last: string | undefined;
  return {
    report: (error: unknown) => {
      const text = describeError(error);
      if (text !== last) log(text);
      last = text;
    },
    over: () => {
      last = undefined;
    },
  };
}
