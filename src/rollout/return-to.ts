import type { ReleaseRecord } from '../catalog/record.ts';
import type { Desired } from '../compose/desired.ts';
import { describeError } from '../errors.ts';
import { keptName } from '../images/index.ts';
import type { Plan } from '../plan/index.ts';
import { reportStep } from '../progress.ts';
import type { RolloutContext } from './context.ts';
import { execute } from './execute.ts';
import { planProject } from './planning.ts';
import { provideKept } from './provide-images.ts';
import { lastGood, openRelease, readReleases } from './release.ts';
import { clusterOf, type Session } from './session.ts';

/** A revert has its own time: the user's Ctrl-C ended the deploy, not the way back. */
const REVERT_TIMEOUT_MS = 900_000;

export interface Return {
  /** Release that serves now, beside the failed one unless `clean`; absent: there was none before. */
  readonly release?: number;
  /** Everything runs the release again. */
  readonly clean: boolean;
  readonly notices: readonly string[];
}

/** Brings all services on all hosts back to the last good release before the failed one. */
export async function returnTo(
  session: Session,
  failed: RolloutContext,
  record: ReleaseRecord,
  failure: unknown,
): Promise<Return> {
  const { cluster, client } = clusterOf(session);
  const signal = AbortSignal.timeout(REVERT_TIMEOUT_MS);
  const text = session.signal.aborted
    ? 'interrupted: going back to what served before (Ctrl-C again leaves everything as it is now)'
    : `release ${record.number} failed: ${describeError(failure)}`;
  session.report({ kind: 'line', text });
  let good: ReleaseRecord | undefined;
  try {
    good = lastGood(await readReleases(client, record.project, signal), record.number);
    const desired = good ? openRelease(cluster, good) : nothing(session.desired);
    const back: Session = { ...session, desired, signal };
    const imageIds = good ? imagesOf(desired, good) : {};
    const { plan } = await planProject(back, { withoutTasks: true, imageIds, wayBack: 'return' });
    const context: RolloutContext = {
      ...failed,
      desired,
      release: good?.number ?? record.number,
      images: good ? releaseImages(good) : {},
      signal,
    };
    const lacking = good ? await fetchLost(back, plan, context.images) : [];
    const title = good ? `return to release ${good.number}` : 'remove what was started';
    const tolerated = await reportStep(session.report, { id: 'revert', title }, () =>
      execute(context, plan.steps, async () => {}),
    );
    return {
      ...inForce(good),
      clean: plan.obstacles.length === 0 && tolerated.length === 0,
      notices: [
        ...lacking,
        ...[...plan.obstacles, ...tolerated.map(({ error }) => error)].map((each) => each.message),
      ],
    };
  } catch (error) {
    return { ...inForce(good), clean: false, notices: [`the way back failed: ${describeError(error)}`] };
  }
}

const inForce = (good: ReleaseRecord | undefined): Pick<Return, 'release'> =>
  good === undefined ? {} : { release: good.number };

/** An old image or file that a host lost meanwhile comes from another; what cannot be had must not keep the rest from going back. */
async function fetchLost(
  back: Session,
  plan: Plan,
  images: RolloutContext['images'],
): Promise<readonly string[]> {
  try {
    await provideKept(back, plan, images);
    return [];
  } catch (error) {
    back.signal.throwIfAborted();
    return [`images or files for the way back could not be brought: ${describeError(error)}`];
  }
}

/** A release's images under the names that keep them: a tag may mean another image by now. */
export const releaseImages = (release: ReleaseRecord): RolloutContext['images'] =>
  Object.fromEntries(
    Object.entries(release.images).map(([name, id]) => [
      name,
      { reference: keptName(release.project, id), id },
    ]),
  );

/** Image reference → id as the release had them. */
export const imagesOf = (desired: Desired, release: ReleaseRecord): Record<string, string> =>
  Object.fromEntries(
    Object.values(desired.services).flatMap((service) => {
      const id = release.images[service.name];
      return id === undefined ? [] : [[service.image, id]];
    }),
  );

const nothing = (desired: Desired): Desired => ({
  ...desired,
  ...{ services: {}, routes: [], contents: {}, certificates: [], certificateSecrets: {} },
});
