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

/** Whether both plans do the same. */
export const isSamePlan = (one: Plan, other: Plan): boolean =>
  canonicalJson(one.changes) === canonicalJson(other.changes);

/** @throws SeawallError `stale-plan` when what is to be done is no longer what was shown or saved. */
export function refuseStale(shown: Plan, now: Plan): void {
  if (isSamePlan(shown, now)) return;
  const before = new Set(shown.changes.map(canonicalJson));
  const news = now.changes
    .filter((change) => !before.has(canonicalJson(change)))
    .map((change) => change.path);
  const after = new Set(now.changes.map(canonicalJson));
  const gone = shown.changes
    .filter((change) => !after.has(canonicalJson(change)))
    .map((change) => change.path);
  const what = [...new Set([...news, ...gone])].slice(0, 5).join(', ');
  throw new SeawallError(
    'stale-plan',
    `the plan is stale: the files or the hosts changed since it was made (${what})`,
    {
      hint: 'Make a new one: seawall plan --out FILE',
    },
  );
}
