import type { ReleaseRecord } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';
import type { Plan } from '../plan/index.ts';
import { withCertificates } from './certificates/after.ts';
import { holdLease } from './hold-lease.ts';
import { agreeAgain, planProject, refuseObstacles } from './planning.ts';
import { preflight } from './preflight.ts';
import { provideKept } from './provide-images.ts';
import { openRelease, readReleases } from './release.ts';
import type { RolloutResult } from './result.ts';
import { imagesOf, releaseImages } from './return-to.ts';
import { rollOut } from './roll-out.ts';
import { clusterOf, type Session, seenAgain } from './session.ts';

export interface RollbackOptions {
  /** Default: the last good release before the one in force; the last good one when a newer one runs beside it. */
  readonly release?: number;
  readonly confirm: (plan: Plan) => Promise<boolean>;
}

/** Rolls an earlier good release out again, with its own images and configuration; tasks do not run. */
export async function rollback(session: Session, options: RollbackOptions): Promise<RolloutResult> {
  const startedAt = performance.now();
  const { client } = clusterOf(session);
  const { plan: shown } = await planBack(session, options.release);
  refuseObstacles(shown);
  if (!(await options.confirm(shown))) throw new SeawallError('interrupted', 'nothing was changed');
  let desired = session.desired;
  const result = await holdLease(client, session, async (signal, waited) => {
    const held = waited ? await seenAgain({ ...session, signal }) : { ...session, signal };
    const { plan, back, target } = await planBack(held, options.release);
    await agreeAgain(held, shown, plan, options.confirm);
    desired = back.desired;
    await preflight(back, plan);
    const transfer = await provideKept(back, plan, releaseImages(target));
    // A release of its own: what serves now is always the newest good one.
    const note = `rollback to release ${target.number}`;
    const images = releaseImages(target);
    return rollOut(back, { plan, images, transfer, startedAt, note, repeats: target.number });
  });
  return withCertificates({ ...session, desired }, result);
}

/** The release to go back to by what the catalog says now, the session that desires it, and the way there. */
async function planBack(
  session: Session,
  release: number | undefined,
): Promise<{ readonly target: ReleaseRecord; readonly back: Session; readonly plan: Plan }> {
  const { cluster, client } = clusterOf(session);
  const target = chooseRelease(await readReleases(client, session.desired.project, session.signal), release);
  const desired = openRelease(cluster, target);
  const back: Session = { ...session, desired };
  const { plan } = await planProject(back, {
    withoutTasks: true,
    imageIds: imagesOf(desired, target),
    wayBack: 'rollback',
  });
  return { target, back, plan };
}

function chooseRelease(releases: readonly ReleaseRecord[], wanted: number | undefined): ReleaseRecord {
  const good = releases.filter((release) => release.status === 'good');
  const known = good.map((release) => release.number).join(', ') || 'none';
  if (wanted !== undefined) {
    const found = good.find((release) => release.number === wanted);
    if (found) return found;
    throw new SeawallError('input', `there is no good release ${wanted}`, {
      hint: `Good releases that are kept: ${known}. See: seawall releases`,
    });
  }
  const newest = releases.at(-1)?.status;
  const found = newest === 'mixed' || newest === 'pending' ? good.at(-1) : good.at(-2);
  if (found) return found;
  throw new SeawallError('refused', 'there is no release to go back to', {
    hint: `Good releases that are kept: ${known}.`,
  });
}

export async function listReleases(session: Session): Promise<ReleaseRecord[]> {
  const { client } = clusterOf(session);
  return readReleases(client, session.desired.project, session.signal);
}
