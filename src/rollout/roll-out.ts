import { randomInt } from 'node:crypto';
import type { ReleaseRecord } from '../catalog/record.ts';
import { describeError, SeawallError } from '../errors.ts';
import type { Plan } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import { fenceOff, liftFences } from './absent.ts';
import { trimKept } from './certificates/keep.ts';
import { type DrainLog, edgeHosts, type RolloutContext } from './context.ts';
import { execute } from './execute.ts';
import { Pause, ReplicaFailure } from './failure.ts';
import type { ToleratedFailure } from './failure-count.ts';
import { userName } from './hold-lease.ts';
import { clearLeftoverTasks } from './leftover-tasks.ts';
import { beginRelease, lastGood, readReleases, writeRelease } from './release.ts';
import type { RolloutResult, TransferSummary } from './result.ts';
import { forgetOldReleases } from './retention.ts';
import { type Return, returnTo } from './return-to.ts';
import { routeUrls } from './route-urls.ts';
import { clusterOf, type Session } from './session.ts';
import { TrafficCount } from './traffic.ts';

/** What is written when all is done must not be lost to a late Ctrl-C. */
const LAST_WRITES_TIMEOUT_MS = 15_000;

export interface RollOutInput {
  readonly plan: Plan;
  readonly images: RolloutContext['images'];
  readonly transfer?: TransferSummary;
  /** performance.now() of the command's start. */
  readonly startedAt: number;
  readonly note: string;
  /** Number of the earlier release that this one repeats: what tasks did since is not undone. */
  readonly repeats?: number;
}

/** Executes a plan as a release: recorded before the first change, good at the end, or undone as a whole. */
export async function rollOut(session: Session, input: RollOutInput): Promise<RolloutResult> {
  const { cluster, client } = clusterOf(session);
  const { desired, signal } = session;
  await clearLeftoverTasks(session);
  const ids = Object.fromEntries(Object.entries(input.images).map(([name, image]) => [name, image.id]));
  const kept = await keptImages(session, input.plan);
  const facts = { images: { ...kept, ...ids }, who: userName(), note: input.note, now: new Date() };
  let record = await beginRelease(client, cluster, desired, facts, signal);
  const drains: DrainLog = { replicas: 0, longestMs: 0, socketsCut: 0 };
  const traffic = new TrafficCount(client, {
    id: `${record.number}-${randomSuffix()}`,
    project: desired.project,
    domains: [...new Set(desired.routes.map((route) => route.domain))],
    startedAt: new Date().toISOString(),
    ended: false,
    away: [],
  });
  await traffic.begin();
  const context = contextFor(session, record.number, input.images, drains, traffic);
  const { failure, tolerated } = await attempt(context, input.plan, async (task) => {
    record = { ...record, tasks: [...record.tasks, task] };
    await writeRelease(client, record);
  });
  refuseWithoutLease(signal);
  const isPaused = failure instanceof Pause;
  const isUndone = failure !== undefined && !isPaused;
  const back = isUndone ? await returnTo(session, context, record, failure) : undefined;
  const outcome = outcomeOf(isPaused || tolerated.length > 0, isUndone, back);
  record = { ...record, ...endOf(outcome, failure, tolerated), endedAt: new Date().toISOString() };
  await writeRelease(client, record);
  const summary = await traffic.end(edgeHosts(session.hosts), drains);
  const inForce = isUndone ? back?.release : record.number;
  if (outcome === 'done') {
    const reached = session.links.map(({ name }) => name);
    await liftFences(client, reached, desired.project, AbortSignal.timeout(LAST_WRITES_TIMEOUT_MS));
  }
  const notices = [
    ...(await trimmedNotices(context)),
    ...(await forgetOldReleases(session, inForce ?? record.number)),
  ];
  const blamed = failure ?? tolerated[0]?.error;
  return {
    project: desired.project,
    outcome,
    ...(inForce === undefined ? {} : { release: inForce }),
    ...(isPaused
      ? { onPurpose: 'pause' }
      : tolerated.length > 0 && !isUndone
        ? { onPurpose: 'continue' }
        : {}),
    plan: input.plan,
    durationMs: Math.round(performance.now() - input.startedAt),
    traffic: summary,
    ...(input.transfer === undefined ? {} : { transfer: input.transfer }),
    ...(blamed === undefined
      ? {}
      : { failure: reportOf(blamed, signal.aborted ? session.command : undefined) }),
    urls: routeUrls(session),
    notices: [
      ...remarksOf(input.plan),
      ...notices,
      ...(back?.notices ?? []),
      ...tolerated.map(({ error }) => error.message),
    ],
    tasksSince: await tasksAfter(session, isUndone ? inForce : (input.repeats ?? inForce)),
  };
}

/** Keys that no replica of a host needs any more are taken away; the rollout is done all the same. */
async function trimmedNotices(context: RolloutContext): Promise<readonly string[]> {
  try {
    const signal = AbortSignal.timeout(LAST_WRITES_TIMEOUT_MS);
    await trimKept({ ...context, links: context.links.values(), signal });
    return [];
  } catch (error) {
    return [`certificates that are not needed any more are still on hosts: ${describeError(error)}`];
  }
}

/** Images of services that are left alone: those of the release before. */
async function keptImages(session: Session, plan: Plan): Promise<Readonly<Record<string, string>>> {
  const names = keptServices(plan);
  if (names.length === 0) return {};
  const { client } = clusterOf(session);
  const before = lastGood(await readReleases(client, session.desired.project, session.signal));
  return Object.fromEntries(
    names.flatMap((name) => {
      const id = before?.images[name];
      return id === undefined ? [] : [[name, id]];
    }),
  );
}

function outcomeOf(isMixed: boolean, isUndone: boolean, back: Return | undefined): RolloutResult['outcome'] {
  if (isUndone) return back?.clean === true ? 'reverted' : 'mixed';
  return isMixed ? 'mixed' : 'done';
}

/** How a release's record ends. */
function endOf(
  outcome: RolloutResult['outcome'],
  failure: unknown,
  tolerated: readonly ToleratedFailure[],
): Pick<ReleaseRecord, 'status' | 'problem'> {
  if (outcome === 'done') return { status: 'good' };
  if (outcome === 'reverted') return { status: 'failed' };
  const problems = [...(failure === undefined ? [] : [failure]), ...tolerated.map(({ error }) => error)];
  return { status: 'mixed', problem: [...new Set(problems.map(describeError))].join('; ') };
}

interface Attempt {
  readonly failure?: unknown;
  /** What the services' rules let pass. */
  readonly tolerated: readonly ToleratedFailure[];
}

async function attempt(
  context: RolloutContext,
  plan: Plan,
  onTask: (task: string) => Promise<void>,
): Promise<Attempt> {
  try {
    const { report } = context;
    const shown = { id: 'rollout', title: `release ${context.release}` };
    const tolerated = await reportStep(report, shown, async () => {
      const passed = await execute(context, plan.steps, onTask);
      const keeps = keptServices(plan);
      await fenceOff(
        context,
        context.absent.map((name) => ({ name, keeps })),
      );
      return passed;
    });
    return { tolerated };
  } catch (error) {
    return {
      failure: error ?? new SeawallError('bug', 'the rollout failed without an error'),
      tolerated: [],
    };
  }
}

const remarksOf = ({ remarks = [] }: Plan): string[] =>
  remarks.map(({ path, message }) => `${path}: ${message}`);

/** Services that stay where they are because a host that is left out holds their volumes. */
const keptServices = ({ remarks = [] }: Plan): string[] =>
  remarks.flatMap(({ path }) => (path.startsWith('services.') ? [path.slice('services.'.length)] : []));

/** Without the lease somebody else may be at work: nothing is undone, and nothing is promised. */
function refuseWithoutLease({ aborted, reason }: AbortSignal): void {
  if (!aborted || !(reason instanceof SeawallError) || reason.code !== 'locked') return;
  throw new SeawallError('mixed', `stopped where it stood: ${reason.message}`, {
    hint: 'Look at what runs (seawall ps), then: seawall deploy',
    cause: reason,
  });
}

/** What the parts of a rollout work with. */
export function contextFor(
  session: Session,
  release: number,
  images: RolloutContext['images'],
  drains: DrainLog,
  traffic: Pick<TrafficCount, 'announceAway'>,
): RolloutContext {
  const { cluster, client } = clusterOf(session);
  return {
    desired: session.desired,
    release,
    cluster,
    client,
    links: new Map(session.links.map((link) => [link.name, link])),
    hosts: session.hosts,
    absent: session.skipUnreachable ? session.failures.map(({ name }) => name) : [],
    images,
    report: session.report,
    signal: session.signal,
    suffix: randomSuffix,
    drains,
    announceAway: (service, away) => traffic.announceAway(service, away),
    withoutAcknowledgement: process.env.SEAWALL_PROVE_ACKNOWLEDGEMENT === 'off',
  };
}

const LETTERS = 'abcdefghjkmnpqrstvwxyz23456789';
const randomSuffix = (): string =>
  Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]).join('');

/** @param interrupted what the user typed and then interrupted; absent: it failed by itself. */
function reportOf(thrown: unknown, interrupted?: string): NonNullable<RolloutResult['failure']> {
  const failure = thrown instanceof Pause ? thrown.cause : thrown;
  if (failure instanceof ReplicaFailure && failure.report) return failure.report;
  const hint = failure instanceof SeawallError ? failure.hint : undefined;
  return {
    service: '',
    host: failure instanceof SeawallError ? (failure.where ?? '') : '',
    container: '',
    what: interrupted === undefined ? describeError(failure) : 'interrupted',
    log: [],
    nextCommand: interrupted ?? hint ?? 'seawall plan',
    schemaMayHaveChanged: false,
  };
}

/** Tasks of releases newer than the one that serves: what they did to a schema is not undone. */
async function tasksAfter(
  session: Session,
  release: number | undefined,
): Promise<RolloutResult['tasksSince']> {
  const { client } = clusterOf(session);
  const releases = await readReleases(client, session.desired.project, AbortSignal.timeout(10_000));
  return releases
    .filter((each) => release === undefined || each.number > release)
    .flatMap((each) => each.tasks.map((task) => ({ task, release: each.number })));
}
