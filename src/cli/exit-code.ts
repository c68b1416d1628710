import { type ErrorCode, SeawallError } from '../errors.ts';
import type { RolloutResult } from '../rollout/index.ts';

/** Exit codes of every command but `run` and `exec`, which pass the program's own code on. */
export const EXIT = {
  done: 0,
  /** It failed, and what served before serves now. */
  failed: 1,
  input: 2,
  /** `plan --exit-code`. */
  hasChanges: 3,
  locked: 4,
  unreachable: 5,
  /** It failed and could not be undone. */
  mixed: 6,
  /** A failure of Seawall itself in `run` and `exec`. */
  ownFailure: 125,
  interrupted: 130,
} as const;

const BY_CODE: Readonly<Record<ErrorCode, number>> = {
  input: EXIT.input,
  'stale-plan': EXIT.input,
  refused: EXIT.input,
  unreachable: EXIT.unreachable,
  locked: EXIT.locked,
  docker: EXIT.failed,
  timeout: EXIT.failed,
  'rolled-back': EXIT.failed,
  bug: EXIT.failed,
  mixed: EXIT.mixed,
  interrupted: EXIT.interrupted,
};

/** The exit code of a command that threw. */
export function errorExitCode(error: unknown): number {
  if (error instanceof SeawallError) return BY_CODE[error.code];
  return isAbort(error) ? EXIT.interrupted : EXIT.failed;
}

/** The exit code of a command that changed, or tried to change, what runs. */
export function outcomeExitCode(outcome: RolloutResult['outcome']): number {
  if (outcome === 'mixed') return EXIT.mixed;
  return outcome === 'reverted' ? EXIT.failed : EXIT.done;
}

/** Whether something was cut short by a signal rather than by a fault. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || isAbort(error.cause));
}
