import type { AcmeProblem } from './error.ts';
import type { AcmeAuthorization } from './nouns.ts';

/** Of an authorization that did not become valid: which name by which challenge, and why. */
export function failedValidation(authorization: AcmeAuthorization): {
  readonly what: string;
  readonly problem: AcmeProblem;
} {
  const { identifier, wildcard, status, challenges } = authorization;
  const failed = challenges.find(({ error }) => error !== undefined);
  const by = failed === undefined ? '' : ` (${failed.type})`;
  return {
    what: `${wildcard ? '*.' : ''}${identifier}${by}`,
    problem: outcome(failed?.error, `the authorization is ${status}`),
  };
}

/** A problem of an order or a challenge: its status is not that of an answer and is left out. */
export function outcome(problem: AcmeProblem | undefined, otherwise: string): AcmeProblem {
  const { status: _, ...rest } = problem ?? { detail: otherwise };
  return rest;
}
