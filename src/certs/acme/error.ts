import { type ErrorCode, SeawallError } from '../../errors.ts';
import { plainText, problemHint, problemName } from './problem-words.ts';

/** What an ACME server says of a refusal (RFC 8555 section 6.7, RFC 7807). */
export interface AcmeProblem {
  /** Such as `urn:ietf:params:acme:error:rateLimited`. */
  readonly type?: string;
  readonly detail?: string;
  readonly status?: number;
  /** Page that says what a person has to do (`userActionRequired`). */
  readonly instance?: string;
  readonly subproblems?: readonly AcmeSubproblem[];
}

/** A problem of one identifier out of several (RFC 8555 section 6.7.1). */
export interface AcmeSubproblem {
  /** DNS name or address. */
  readonly identifier?: string;
  readonly type?: string;
  readonly detail?: string;
}

/** What was asked of whom; for messages. */
export interface Asked {
  /** URL of the directory. */
  readonly directory: string;
  /** Such as `a new order for a.example`. */
  readonly what: string;
}

interface AcmeErrorDetail extends AcmeProblem {
  readonly hint?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** An ACME server refused, did not answer, or answered what is no ACME. The client does not wait by itself: {@link retryAfterMs} is data. */
export class AcmeError extends SeawallError {
  /** URL of the directory. */
  readonly directory: string;
  /** Of the problem document, such as `urn:ietf:params:acme:error:rateLimited`; absent when there was none. */
  readonly type: string | undefined;
  /** HTTP status; absent when there was no answer, or when it is an order or a challenge that failed. */
  readonly status: number | undefined;
  /** `Retry-After`, in milliseconds from now; not bounded. */
  readonly retryAfterMs: number | undefined;
  readonly subproblems: readonly AcmeSubproblem[];

  constructor(code: ErrorCode, message: string, directory: string, detail: AcmeErrorDetail = {}) {
    const { hint, cause } = detail;
    super(code, message, {
      where: hostOf(directory),
      ...(hint === undefined ? {} : { hint }),
      ...(cause === undefined ? {} : { cause }),
    });
    this.name = 'AcmeError';
    this.directory = directory;
    this.type = detail.type;
    this.status = detail.status;
    this.retryAfterMs = detail.retryAfterMs;
    this.subproblems = detail.subproblems ?? [];
  }
}

/** Of an answer that is a refusal, or of an order or challenge that failed (then without a status). */
export function refusal(asked: Asked, problem: AcmeProblem, retryAfterMs?: number): AcmeError {
  const { status } = problem;
  const name = problemName(problem.type);
  const isDown = (status !== undefined && status >= 500) || name === 'serverInternal';
  const said = problem.detail === undefined ? `status ${status ?? 'unknown'}` : plainText(problem.detail);
  const details = (problem.subproblems ?? []).map(
    ({ identifier = 'one of the names', detail }) =>
      `; ${identifier}: ${plainText(detail ?? 'no reason given')}`,
  );
  const message = `${hostOf(asked.directory)} ${isDown ? 'has trouble with' : 'refused'} ${asked.what}: ${said}${details.join('')}${name === undefined ? '' : ` (${name})`}`;
  return new AcmeError(isDown ? 'unreachable' : 'refused', message, asked.directory, {
    ...problem,
    retryAfterMs,
    hint: problemHint({ ...problem, what: asked.what }, retryAfterMs),
  });
}

/** Nothing came, or nothing that an ACME server would send. */
export function outage(asked: Asked, what: string, detail: AcmeErrorDetail = {}): AcmeError {
  return new AcmeError('unreachable', `${hostOf(asked.directory)} ${what} (${asked.what})`, asked.directory, {
    hint: `See whether ${asked.directory} answers from the host that asked, and what the CA says of its state. Certificates that are there go on being served.`,
    ...detail,
  });
}

/** Whether the CA asks for patience: the account or a name did too much (RFC 8555 section 6.6). */
export const isRateLimited = (error: unknown): error is AcmeError =>
  error instanceof AcmeError && (error.status === 429 || problemName(error.type) === 'rateLimited');

/** Whether `replaces` named a certificate that has its successor (RFC 9773 section 5): order again without. */
export const isAlreadyReplaced = (error: unknown): error is AcmeError =>
  error instanceof AcmeError && problemName(error.type) === 'alreadyReplaced';

export const isAlreadyRevoked = (error: unknown): error is AcmeError =>
  error instanceof AcmeError && problemName(error.type) === 'alreadyRevoked';

/** Whether the CA is away: no connection, no answer in time, an answer that is no ACME, or a status of 500 and above. */
export const isOutage = (error: unknown): error is AcmeError =>
  error instanceof AcmeError && (error.code === 'unreachable' || error.code === 'timeout');

const hostOf = (directory: string): string => (URL.canParse(directory) ? new URL(directory).host : directory);
