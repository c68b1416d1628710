import type { Desired } from '../compose/desired.ts';
import type { Actual } from './actual.ts';
import type { Hash } from './config-hash.ts';

export interface PlanInput {
  readonly desired: Desired;
  readonly actual: Actual;
  readonly hash: Hash;
  /** Configuration digests that image references resolve to, where they are known: a moved tag is a change. */
  readonly imageIds: Readonly<Record<string, string>>;
  /** Services whose image is not built yet. */
  readonly unbuilt: ReadonlySet<string>;
  /** Tasks are left out, as for `scale` and `rollback`. */
  readonly withoutTasks: boolean;
}
