import { KEY } from '../catalog/record.ts';
import { describeError } from '../errors.ts';
import { pruneImages } from '../images/index.ts';
import { readReleases, releasesToForget } from './release.ts';
import { clusterOf, type Session } from './session.ts';

const PRUNE_TIMEOUT_MS = 60_000;

/** Forgets releases beyond those to keep, and removes their images. A failure here is a notice: the deploy is done. */
export async function forgetOldReleases(session: Session, inForce: number | undefined): Promise<string[]> {
  const { client } = clusterOf(session);
  const { project } = session.desired;
  const keep = session.config.keep.releases;
  const signal = AbortSignal.timeout(PRUNE_TIMEOUT_MS);
  try {
    const releases = await readReleases(client, project, signal);
    const old = releasesToForget(releases, keep, inForce);
    for (const release of old) await client.kvDelete(KEY.release(project, release.number), { signal });
    const kept = releases.filter((release) => !old.includes(release));
    await Promise.all(
      session.links.map((link) => pruneImages(link.docker, { project, releases: kept, keep }, { signal })),
    );
    return [];
  } catch (error) {
    return [`old images could not be removed: ${describeError(error)}`];
  }
}
