import type { Change, RollRule, Step } from './change.ts';
import type { Planning } from './input.ts';
import { stopChange } from './replica-change.ts';
import { isAlive, oldOf } from './replicas.ts';
import type { ServicePlan } from './service-diff.ts';
import { rollStep } from './steps.ts';

/** For stopping the replicas of a service that is no longer desired. */
const REMOVAL: RollRule = {
  parallelism: 0,
  delayMs: 0,
  monitorMs: 0,
  failureAction: 'rollback',
  maxFailureRatio: 0,
};

/** How services go that the files no longer have. */
export interface Removals {
  readonly changes: readonly Change[];
  /** The work, with those before it that must not run beside a new service. */
  readonly work: readonly Step[];
  /** The others: when everything else is done and the routes are published. */
  readonly last: readonly Step[];
}

/**
 * Stops what is left of services that the files no longer have. What is renewed may call them until it is done, so they go
 * last, and not at all when something fails. One whose volume a new service is to write, as when a database is given
 * another name, goes before that one starts: two on one volume destroy it.
 */
export function removals(
  planning: Planning,
  moving: readonly ServicePlan[],
  work: readonly Step[],
): Removals {
  const { desired, running } = planning;
  const gone = [...running.keys()].filter((name) => desired.services[name]?.kind !== 'replica').sort();
  const plans = gone.map((name) => {
    const heirs = moving.filter((roll) => writesAfter(planning, roll, name)).map(({ service }) => service);
    return { plan: removeService(planning, name, heirs), heirs };
  });
  const first = plans.filter(({ heirs }) => heirs.length > 0);
  const waiting = work.map((step): Step => {
    const before = first.filter(({ heirs }) => step.kind === 'roll' && heirs.includes(step.service));
    if (step.kind !== 'roll' || before.length === 0) return step;
    return { ...step, after: [...step.after, ...before.map(({ plan }) => plan.service)].sort() };
  });
  const all = work.flatMap((step) => ('service' in step ? [step.service] : []));
  return {
    changes: plans.flatMap(({ plan }) => plan.changes),
    work: [...first.map(({ plan }) => rollStep(plan, [])), ...waiting],
    last: plans.filter(({ heirs }) => heirs.length === 0).map(({ plan }) => rollStep(plan, all)),
  };
}

/** Whether a service that does not run yet starts where one that goes has a volume which both write. */
function writesAfter({ desired, running }: Planning, { service, moves }: ServicePlan, gone: string): boolean {
  if (running.get(service)?.some(isAlive)) return false;
  const volumes = (desired.services[service]?.mounts ?? []).flatMap((mount) =>
    mount.kind === 'volume' && !mount.readOnly ? [desired.volumes[mount.volume]?.dockerName] : [],
  );
  return (running.get(gone) ?? []).some(
    ({ host, writes }) =>
      writes.some((volume) => volumes.includes(volume)) &&
      moves.some((move) => move.kind !== 'stop' && move.host === host),
  );
}

function removeService({ running, actual }: Planning, name: string, heirs: readonly string[]): ServicePlan {
  const replicas = running.get(name) ?? [];
  const why = 'the service is no longer in the Compose file';
  const turn = heirs.length === 0 ? why : `${why}; ends before ${heirs.join(', ')} starts on its volume`;
  const before = actual.current?.desired.services[name];
  return {
    ...(before === undefined ? {} : { ending: { drainMs: before.drainMs, stopGraceMs: before.stopGraceMs } }),
    service: name,
    renews: false,
    rule: REMOVAL,
    moves: replicas.map((replica) => ({ kind: 'stop', old: oldOf(replica) })),
    changes: replicas.map((replica) => stopChange(replica, turn)),
    obstacles: [],
    places: new Map(),
  };
}
