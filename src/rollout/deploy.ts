import { SeawallError } from '../errors.ts';
import type { Actual, Plan } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import { withCertificates } from './certificates/after.ts';
import { holdLease } from './hold-lease.ts';
import { agreeAgain, planProject, refuseObstacles, refuseStale } from './planning.ts';
import { preflight } from './preflight.ts';
import { type Provided, provideImages } from './provide-images.ts';
import { lastGood, readReleases } from './release.ts';
import type { RolloutResult } from './result.ts';
import { rollOut } from './roll-out.ts';
import { routeUrls } from './route-urls.ts';
import { clusterOf, type Session, seenAgain } from './session.ts';
import { setUpHosts } from './setup-state.ts';

export interface DeployOptions {
  /** A saved plan: refused when it is not what would be done now. */
  readonly expected?: Plan;
  readonly withoutTasks?: boolean;
  /** Shows the plan and asks; false: nothing is done. */
  readonly confirm: (plan: Plan) => Promise<boolean>;
}

/**
 * Makes the hosts run what the session desires: plan, confirm, check all that can fail, build, move images, roll
 * out, and return to the last good release if a new replica fails.
 * @throws ObstacleError, or SeawallError `stale-plan`, `locked`, `unreachable`: nothing was changed then.
 */
export async function deploy(opened: Session, options: DeployOptions): Promise<RolloutResult> {
  const startedAt = performance.now();
  const withoutTasks = options.withoutTasks ?? false;
  const { plan: shown } = await planProject(opened, { withoutTasks });
  if (options.expected) refuseStale(options.expected, shown);
  refuseObstacles(shown);
  const isNothing = shown.changes.length === 0;
  if (isNothing && !mayBringNews(opened)) return unchanged(opened, shown, startedAt);
  if (!isNothing && !(await options.confirm(shown)))
    throw new SeawallError('interrupted', 'nothing was changed');
  const { session, edgeGapsMs } = await setUpHosts(opened, shown);
  const progress: Progress = { hasBegun: false };
  try {
    const result = await underLease(session, shown, options, startedAt, progress);
    const gaps = Object.keys(edgeGapsMs).length === 0 ? {} : { edgeGapsMs };
    return { ...(await withCertificates(session, result)), ...gaps };
  } catch (error) {
    throw progress.hasBegun ? error : interruptedEarly(opened, error);
  } finally {
    if (session !== opened) await session.close();
  }
}

/** How far a deploy came. */
interface Progress {
  /** What runs may be another now. */
  hasBegun: boolean;
}

/** Images may have been built and sent; that is of use to the next deploy and harms nobody. */
function interruptedEarly({ signal }: Session, error: unknown): unknown {
  if (!signal.aborted) return error;
  return new SeawallError('interrupted', 'interrupted before anything that runs was changed', {
    hint: 'Go on: seawall deploy',
    cause: error,
  });
}

async function underLease(
  session: Session,
  shown: Plan,
  options: DeployOptions,
  startedAt: number,
  progress: Progress,
): Promise<RolloutResult> {
  const { client } = clusterOf(session);
  const withoutTasks = options.withoutTasks ?? false;
  return holdLease(client, session, async (signal, waited) => {
    const held = waited ? await seenAgain({ ...session, signal }) : { ...session, signal };
    const { plan: again, actual } = await planProject(held, { withoutTasks });
    const agreed = [withoutSetUp(shown), withoutSetUp(again)] as const;
    if (options.expected) refuseStale(...agreed);
    else await agreeAgain(held, ...agreed, options.confirm);
    const isNothing = again.changes.length === 0;
    if (isNothing && !mayBringNews(held)) return unchanged(held, again, startedAt);
    await reportStep(session.report, { id: 'preflight', title: 'check' }, () => preflight(held, again));
    const { plan, images, transfer } = await provided(held, again, actual, withoutTasks);
    refuseObstacles(plan);
    if (plan.changes.length === 0) return unchanged(held, plan, startedAt);
    if (isNothing) await agreeAgain(held, again, plan, options.confirm, 'there are new images');
    progress.hasBegun = true;
    return rollOut(held, { plan, images, transfer, startedAt, note: session.command });
  });
}

/** Whether images have to be looked for though nothing else changes: a tag means what its registry says now. */
const mayBringNews = ({ desired }: Session): boolean =>
  Object.values(desired.services).some(({ pull, build }) => pull === 'always' || build?.noCache === true);

/** The images of a plan, and the plan with what they turned out to be: a tag that moved makes changes, and tasks due. */
async function provided(
  session: Session,
  first: Plan,
  seen: Actual,
  withoutTasks: boolean,
): Promise<Provided & { readonly plan: Plan }> {
  const brought = await provideImages(session, seen, first);
  const imageIds = idsOf(session, brought.images);
  const { plan, actual } = await planProject(session, { withoutTasks, imageIds });
  const isWhole = plan.steps.every(
    (step) => step.kind !== 'run-task' || brought.images[step.service] !== undefined,
  );
  if (isWhole || plan.obstacles.length > 0) return { ...brought, plan };
  return { ...(await provideImages(session, actual, plan)), plan };
}

/** Image reference → id. */
const idsOf = ({ desired }: Session, images: Provided['images']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(images).map(([name, { id }]) => [desired.services[name]?.image ?? name, id]),
  );

/** Hosts are set up before the lease is taken. */
const withoutSetUp = (plan: Plan): Plan => ({
  ...plan,
  changes: plan.changes.filter((change) => change.kind !== 'set-up-host'),
});

async function unchanged(session: Session, plan: Plan, startedAt: number): Promise<RolloutResult> {
  const { client, desired, signal } = session;
  const release = client ? lastGood(await readReleases(client, desired.project, signal))?.number : undefined;
  return {
    project: desired.project,
    outcome: 'unchanged',
    ...(release === undefined ? {} : { release }),
    plan,
    durationMs: Math.round(performance.now() - startedAt),
    urls: routeUrls(session),
    notices: [],
    tasksSince: [],
  };
}
