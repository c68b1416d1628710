import type { ReleaseRecord } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';
import type { Plan } from '../plan/index.ts';
import { holdLease } from './hold-lease.ts';
import { planProject, refuseObstacles } from './planning.ts';
import { preflight } from './preflight.ts';
import { requireImages } from './provide-images.ts';
import { openRelease, readReleases } from './release.ts';
import type { RolloutResult } from './result.ts';
import { imagesOf, releaseImages } from './return-to.ts';
import { rollOut } from './roll-out.ts';
import { clusterOf, type Session } from './session.ts';

export interface RollbackOptions {
  /** Default: the last good release before the one in force. */
  readonly release?: number;
  readonly confirm: (plan: Plan) => Promise<boolean>;
}

/** Rolls an earlier good release out again, with its own images and configuration; tasks do not run. */
export async function rollback(session: Session, options: RollbackOptions): Promise<RolloutResult> {
  const startedAt = performance.now();
  const { cluster, client } = clusterOf(session);
  const target = chooseRelease(
    await readReleases(client, session.desired.project, session.signal),
    options.release,
  );
  const desired = openRelease(cluster, target);
  const back: Session = { ...session, desired };
  const planOptions = { withoutTasks: true, imageIds: imagesOf(desired, target) };
  const { plan: shown } = await planProject(back, planOptions);
  refuseObstacles(shown);
  if (!(await options.confirm(shown))) throw new SeawallError('interrupted', 'nothing was changed');
  return holdLease(client, session, async (signal) => {
    const held = { ...back, signal };
    const { plan } = await planProject(held, planOptions);
    refuseObstacles(plan);
    await preflight(held, plan);
    await requireImages(held, plan, releaseImages(target));
    // A release of its own: what serves now is always the newest good one.
    const note = `rollback to release ${target.number}`;
    return rollOut(held, { plan, images: releaseImages(target), startedAt, note, repeats: target.number });
  });
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
  const found = good.at(-2);
  if (found) return found;
  throw new SeawallError('refused', 'there is no release to go back to', {
    hint: `Good releases that are kept: ${known}.`,
  });
}

export async function listReleases(session: Session): Promise<ReleaseRecord[]> {
  const { client } = clusterOf(session);
  return readReleases(client, session.desired.project, session.signal);
}
