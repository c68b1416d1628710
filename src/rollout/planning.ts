import { SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { type Actual, canonicalJson, diff, ObstacleError, type Plan, type PlanInput } from '../plan/index.ts';
import { readActual } from './inspect.ts';
import type { Session } from './session.ts';
import { setupReasons } from './setup-state.ts';

export interface PlanOptions {
  /** For `scale` and `rollback`: tasks do not run. */
  readonly withoutTasks?: boolean;
  /** Image reference → id, where they are known better than from the hosts' listings. */
  readonly imageIds?: Readonly<Record<string, string>>;
  /** Replicas are exchanged by `rollback_config`. */
  readonly wayBack?: PlanInput['wayBack'];
  /** A host that is to leave the cluster: nothing stays there. */
  readonly leaving?: { readonly name: string; readonly force: boolean };
}

/** Looks at the hosts and plans what the session's project needs. Changes nothing. */
export async function planProject(
  session: Session,
  options: PlanOptions = {},
): Promise<{ plan: Plan; actual: Actual }> {
  const { desired } = session;
  const { actual: found, images } = await readActual(session, (link) => setupReasons(session, link));
  const actual = options.leaving === undefined ? found : withoutHost(found, options.leaving);
  const plan = diff({
    desired,
    actual,
    hash: sha256,
    imageIds: options.imageIds ?? agreedImages(images),
    unbuilt: unbuiltServices(session, images),
    withoutTasks: options.withoutTasks ?? false,
    ...(options.wayBack === undefined ? {} : { wayBack: options.wayBack }),
  });
  return { plan, actual };
}

/** Setting hosts up is not the business of whoever moves things off one. */
function withoutHost(actual: Actual, { name, force }: NonNullable<PlanOptions['leaving']>): Actual {
  const leaving = force ? 'force' : 'move';
  const hosts = Object.entries(actual.hosts).map(([each, host]) => [
    each,
    { ...host, setup: [], ...(each === name ? { leaving } : {}) },
  ]);
  return { ...actual, hosts: Object.fromEntries(hosts) };
}

type HostImages = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** References that mean the same image on every host that has them. */
function agreedImages(images: HostImages): Record<string, string> {
  const ids = new Map<string, Set<string>>();
  for (const host of images.values()) {
    for (const [reference, id] of host) ids.set(reference, (ids.get(reference) ?? new Set()).add(id));
  }
  const agreed = [...ids].flatMap(([reference, each]) =>
    each.size === 1 ? [[reference, [...each][0] ?? '']] : [],
  );
  return Object.fromEntries(agreed);
}

/** Built services whose image no host has: their sources changed, or they are new. */
function unbuiltServices({ desired }: Session, images: HostImages): Set<string> {
  const present = (reference: string): boolean => [...images.values()].some((host) => host.has(reference));
  return new Set(
    Object.values(desired.services)
      .filter((service) => service.build !== undefined && !present(service.image))
      .map((service) => service.name),
  );
}

/** @throws ObstacleError with everything that is in the way. */
export function refuseObstacles({ obstacles }: Plan): void {
  if (obstacles.length > 0) throw new ObstacleError(obstacles);
}

/** @throws SeawallError `stale-plan` when what is to be done is no longer what was saved. */
export function refuseStale(saved: Plan, now: Plan): void {
  if (isSamePlan(saved, now)) return;
  const paths = [...changesWithout(now, saved), ...changesWithout(saved, now)].map(({ path }) => path);
  const what = [...new Set(paths)].slice(0, 5).join(', ');
  throw new SeawallError(
    'stale-plan',
    `the plan is stale: the files or the hosts changed since it was made (${what})`,
    {
      hint: 'Make a new one: seawall plan --out FILE',
    },
  );
}

/**
 * What was agreed to is what is done. When others changed what runs since then, or it changed by itself, what is to be done
 * now is shown and asked for once more.
 * @throws ObstacleError, or SeawallError `interrupted` when it is declined.
 */
export async function agreeAgain(
  session: Session,
  shown: Plan,
  now: Plan,
  confirm: (plan: Plan) => Promise<boolean>,
  what = 'what runs has changed meanwhile',
): Promise<void> {
  refuseObstacles(now);
  if (now.changes.length === 0 || isSamePlan(shown, now)) return;
  session.report({ kind: 'line', text: `${what}; what is to be done now:` });
  if (!(await confirm(now))) throw new SeawallError('interrupted', 'nothing was changed');
}

const changesWithout = ({ changes }: Plan, other: Plan): Plan['changes'] => {
  const known = new Set(other.changes.map(canonicalJson));
  return changes.filter((change) => !known.has(canonicalJson(change)));
};

/** Whether both plans do the same. */
const isSamePlan = (one: Plan, other: Plan): boolean =>
  canonicalJson(one.changes) === canonicalJson(other.changes);
