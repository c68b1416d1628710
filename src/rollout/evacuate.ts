import type { ReleaseRecord } from '../catalog/record.ts';
import type { Desired, DesiredService } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { keptName } from '../images/index.ts';
import type { Actual, Plan } from '../plan/index.ts';
import { holdLease } from './hold-lease.ts';
import { planProject, refuseObstacles } from './planning.ts';
import { preflight } from './preflight.ts';
import { provideImages } from './provide-images.ts';
import { lastGood, openRelease, readReleases } from './release.ts';
import { imagesOf } from './return-to.ts';
import { rollOut } from './roll-out.ts';
import { clusterOf, type Session } from './session.ts';

/** What becomes of one project's replicas when a host leaves. */
export interface Evacuation {
  readonly project: string;
  readonly plan: Plan;
}

export interface LeavingHost {
  readonly name: string;
  /** What cannot move, because its volumes are there, goes with the host. */
  readonly force: boolean;
}

/**
 * Plans a project's release in force without a host: what runs there is started elsewhere.
 * @param session of the project, with the hosts where it may run and the one that leaves
 * @throws ObstacleError for what cannot move, and says what to do.
 */
export async function planEvacuation(session: Session, host: LeavingHost): Promise<Evacuation> {
  const { plan } = await planWithout(session, host);
  refuseObstacles(plan);
  return { project: session.desired.project, plan };
}

/** Moves a project off a host, under its lease. @throws SeawallError `rolled-back`, `mixed` when that fails. */
export async function evacuate(session: Session, host: LeavingHost): Promise<void> {
  const startedAt = performance.now();
  const { client } = clusterOf(session);
  await holdLease(client, session, async (signal) => {
    const { plan, actual, good, desired } = await planWithout({ ...session, signal }, host);
    refuseObstacles(plan);
    if (plan.changes.length === 0) return;
    const held: Session = { ...session, signal, desired };
    await preflight(held, plan);
    const { images } = await provideImages(kept(held, session.desired, good), actual, plan);
    const note = `${host.name} leaves`;
    const result = await rollOut(held, { plan, images, startedAt, note, repeats: good.number });
    if (result.outcome === 'done') return;
    const { project } = desired;
    const isBack = result.outcome === 'reverted';
    const code = signal.aborted && isBack ? 'interrupted' : isBack ? 'rolled-back' : 'mixed';
    throw new SeawallError(
      code,
      `${project} could not be moved off ${host.name}: ${result.failure?.what ?? 'it failed'}`,
      {
        where: host.name,
        hint: `${isBack ? 'Everything of it runs where it ran. ' : ''}See: seawall ps, then run this again.`,
      },
    );
  });
}

interface Without {
  readonly plan: Plan;
  readonly actual: Actual;
  readonly good: ReleaseRecord;
  readonly desired: Desired;
}

async function planWithout(session: Session, leaving: LeavingHost): Promise<Without> {
  const { cluster, client } = clusterOf(session);
  const { project } = session.desired;
  const good = lastGood(await readReleases(client, project, session.signal));
  if (good === undefined) {
    throw new SeawallError('refused', `${project} runs on ${leaving.name}, and no release of it is known`, {
      where: leaving.name,
      hint: 'Take it down or deploy it first: seawall down, seawall deploy',
    });
  }
  const desired = openRelease(cluster, good);
  const imageIds = imagesOf(desired, good);
  const { plan, actual } = await planProject(
    { ...session, desired },
    { withoutTasks: true, imageIds, leaving },
  );
  return { plan, actual, good, desired };
}

/** The release as images are to be brought for it: those that it had, from the hosts that have them, and unchanged files. */
function kept(held: Session, present: Desired, good: ReleaseRecord): Session {
  const { desired } = held;
  const changed = Object.keys(desired.contents).filter((hash) => present.contents[hash] === undefined);
  if (changed.length > 0) {
    throw new SeawallError(
      'refused',
      `files that ${desired.project} mounts are not here as release ${good.number} had them`,
      {
        hint: `Run this in the folder of ${desired.project}, after: seawall deploy`,
      },
    );
  }
  const contents = Object.fromEntries(
    Object.keys(desired.contents).flatMap((hash) => {
      const content = present.contents[hash];
      return content === undefined ? [] : [[hash, content]];
    }),
  );
  const services = Object.fromEntries(
    Object.entries(desired.services).map(([name, service]) => [name, withKeptImage(service, good)]),
  );
  return { ...held, desired: { ...desired, services, contents } };
}

function withKeptImage(service: DesiredService, good: ReleaseRecord): DesiredService {
  const id = good.images[service.name];
  if (id === undefined) return service;
  const { build: _build, ...rest } = service;
  return { ...rest, image: keptName(good.project, id), pull: 'never' };
}
