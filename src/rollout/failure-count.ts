import type { SeawallError } from '../errors.ts';
import type { RollRule } from '../plan/index.ts';
import { Pause } from './failure.ts';

/** What a rule says when `failed` of `total` replicas failed. With `continue` the ratio does not matter, as in Swarm. */
export function actionAfter(
  { failureAction, maxFailureRatio }: Pick<RollRule, 'failureAction' | 'maxFailureRatio'>,
  failed: number,
  total: number,
): 'go-on' | 'pause' | 'rollback' {
  if (failed === 0 || failureAction === 'continue') return 'go-on';
  return failed / Math.max(total, 1) > maxFailureRatio ? failureAction : 'go-on';
}

/** Failures that the rules of their services let pass: what was deployed is not everywhere. */
export interface ToleratedFailure {
  readonly service: string;
  readonly error: SeawallError;
}

/** Counts the failed replicas of one roll, and ends the rollout when the service's rule says so. */
export class FailureCount {
  readonly #service: string;
  readonly #rule: RollRule;
  readonly #total: number;
  readonly #halt: AbortController;
  readonly #tolerated: ToleratedFailure[];
  readonly #seen = new Set<SeawallError>();

  constructor(
    service: string,
    rule: RollRule,
    total: number,
    ends: { readonly halt: AbortController; readonly tolerated: ToleratedFailure[] },
  ) {
    this.#service = service;
    this.#rule = rule;
    this.#total = total;
    this.#halt = ends.halt;
    this.#tolerated = ends.tolerated;
  }

  /** Counts a failure once, however often it is told. */
  add(error: SeawallError): void {
    if (this.#seen.has(error)) return;
    this.#seen.add(error);
    const failed = this.#seen.size;
    const action = actionAfter(this.#rule, failed, this.#total);
    if (action === 'rollback') this.#halt.abort(error);
    else if (action === 'pause') this.#halt.abort(new Pause(this.#service, failed, this.#total, error));
    else this.#tolerated.push({ service: this.#service, error });
  }
}
