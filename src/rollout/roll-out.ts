import { randomInt } from 'node:crypto';
import { describeError, SeawallError } from '../errors.ts';
import type { Plan } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import { fenceOff, liftFences } from './absent.ts';
import { type DrainLog, edgeHosts, type RolloutContext } from './context.ts';
import { execute } from './execute.ts';
import { ReplicaFailure } from './failure.ts';
import { userName } from './hold-lease.ts';
import { clearLeftoverTasks } from './leftover-tasks.ts';
import { beginRelease, lastGood, readReleases, writeRelease } from './release.ts';
import type { RolloutResult, TransferSummary } from './result.ts';
import { forgetOldReleases } from './retention.ts';
import { returnTo } from './return-to.ts';
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
  const failure = await attempt(context, input.plan, async (task) => {
    record = { ...record, tasks: [...record.tasks, task] };
    await writeRelease(client, record);
  });
  refuseWithoutLease(signal);
  const back = failure === undefined ? undefined : await returnTo(session, context, record, failure);
  const status = failure === undefined ? 'good' : 'failed';
  record = { ...record, status, endedAt: new Date().toISOString() };
  await writeRelease(client, record);
  const summary = await traffic.end(edgeHosts(session.hosts), drains);
  if (failure === undefined) {
    const reached = session.links.map(({ name }) => name);
    await liftFences(client, reached, desired.project, AbortSignal.timeout(LAST_WRITES_TIMEOUT_MS));
  }
  const notices = await forgetOldReleases(session, back?.release ?? record.number);
  const release = failure === undefined ? record.number : back?.release;
  return {
    project: desired.project,
    outcome: failure === undefined ? 'done' : back?.clean === true ? 'reverted' : 'mixed',
    ...(release === undefined ? {} : { release }),
    plan: input.plan,
    durationMs: Math.round(performance.now() - input.startedAt),
    traffic: summary,
    ...(input.transfer === undefined ? {} : { transfer: input.transfer }),
    ...(failure === undefined ? {} : { failure: reportOf(failure, signal.aborted) }),
    urls: routeUrls(session),
    notices: [...remarksOf(input.plan), ...notices, ...(back?.notices ?? [])],
    tasksSince: await tasksAfter(session, failure === undefined ? (input.repeats ?? release) : release),
  };
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

async function attempt(
  context: RolloutContext,
  plan: Plan,
  onTask: (task: string) => Promise<void>,
): Promise<unknown> {
  try {
    await reportStep(context.report, { id: 'rollout', title: `release ${context.release}` }, async () => {
      await execute(context, plan.steps, onTask);
      await fenceOff(
        context,
        context.absent.map((name) => ({ name, keeps: keptServices(plan) })),
      );
    });
    return undefined;
  } catch (error) {
    return error ?? new SeawallError('bug', 'the rollout failed without an error');
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

function reportOf(failure: unknown, isInterrupted: boolean): NonNullable<RolloutResult['failure']> {
  if (failure instanceof ReplicaFailure && failure.report) return failure.report;
  const hint = failure instanceof SeawallError ? failure.hint : undefined;
  return {
    service: '',
    host: failure instanceof SeawallError ? (failure.where ?? '') : '',
    container: '',
    what: isInterrupted ? 'interrupted' : describeError(failure),
    log: [],
    nextCommand: hint ?? 'seawall plan',
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
