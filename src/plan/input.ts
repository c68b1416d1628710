import type { Desired, DesiredRoute } from '../compose/desired.ts';
import type { Actual, ActualReplica } from './actual.ts';
import type { Hash } from './config-hash.ts';
import { groupReplicas } from './replicas.ts';
import { volumeGroups } from './volume-home.ts';

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
  /**
   * Exchange replicas by `rollback_config` instead of `update_config`: `return` after a failed deploy; `rollback` when the user
   * asked for it, where a failure is still followed by a return to what serves.
   */
  readonly wayBack?: 'return' | 'rollback';
}

/** The input with what every service looks up in it, gathered once: a plan's time grows with its size, not its square. */
export interface Planning extends PlanInput {
  /** By service, sorted by number and name. */
  readonly running: ReadonlyMap<string, readonly ActualReplica[]>;
  /** By service: the volumes that tie it to a host, {@link volumeGroups}. */
  readonly volumes: ReadonlyMap<string, readonly string[]>;
  /** By Compose service. */
  readonly routes: ReadonlyMap<string, readonly DesiredRoute[]>;
  /** Docker volume name → hosts that have it, sorted. */
  readonly holders: ReadonlyMap<string, readonly string[]>;
}

export function planningOf(input: PlanInput): Planning {
  const { desired, actual } = input;
  const holders = new Map<string, string[]>();
  for (const name of Object.keys(actual.hosts).sort()) {
    for (const volume of actual.hosts[name]?.volumes ?? [])
      holders.set(volume, [...(holders.get(volume) ?? []), name]);
  }
  return {
    ...input,
    running: groupReplicas(actual),
    volumes: volumeGroups(desired),
    routes: Map.groupBy(
      desired.routes.filter((route) => route.service !== undefined),
      (route) => route.service ?? '',
    ),
    holders,
  };
}
