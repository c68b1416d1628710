/** What a {@link SeawallError} carries beside its message. */
export interface ErrorDetail {
  /** The next thing to do, as a sentence or a command to type. */
  readonly hint?: string;
  /** The thing it happened on: a host, a file:line:column, a container. */
  readonly where?: string;
  readonly cause?: unknown;
}

/**
 * Every error code. The exit codes of the command line are derived from it in `cli/exit-code.ts`;
 * callers branch on the code, never on the message.
 */
export type ErrorCode =
  | 'input' // the user's files or arguments are wrong
  | 'unreachable' // a host, its Docker or the catalog does not answer
  | 'locked' // somebody else holds the lease
  | 'stale-plan' // the saved plan no longer matches the hosts
  | 'refused' // the state of things forbids it: another cluster, a volume twice, wrong platform
  | 'docker' // Docker answered with an error
  | 'timeout' // a named wait ran out
  | 'rolled-back' // the change failed and the last good release serves
  | 'mixed' // the change failed and could not be undone
  | 'interrupted'
  | 'bug';

/** The one family of errors: what failed on which thing, and what to do next. */
export class SeawallError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly where: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'SeawallError';
    this.code = code;
    this.hint = detail.hint;
    this.where = detail.where;
  }
}

/** The message of anything that was thrown, with its causes, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `: ${describeError(error.cause)}`;
  return `${error.message}${cause}`;
}
