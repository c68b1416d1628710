import { type CatalogClient, parseEntry } from '../catalog/index.ts';
import { KEY, type ReleaseRecord } from '../catalog/record.ts';
import type { ClusterFile } from '../cluster.ts';
import type { Desired } from '../compose/desired.ts';
import { SeawallError } from '../errors.ts';
import { pack, unpack } from '../packed.ts';
import type { MixedRelease } from '../plan/index.ts';
import { seal, unseal } from '../secrets/index.ts';

type Keyed = Pick<ClusterFile, 'key'>;

/** All releases of a project that are still known, oldest first. */
export async function readReleases(
  client: CatalogClient,
  project: string,
  signal: AbortSignal,
): Promise<ReleaseRecord[]> {
  const { value } = await client.kvList(KEY.releases(project), { signal });
  return value.map((entry) => parseEntry<ReleaseRecord>(entry)).sort((a, b) => a.number - b.number);
}

/** The newest good release, before number `before` when that is given. */
export const lastGood = (
  releases: readonly ReleaseRecord[],
  before = Number.POSITIVE_INFINITY,
): ReleaseRecord | undefined =>
  releases.findLast((release) => release.status === 'good' && release.number < before);

/** What a release deployed. Its environment may hold secrets, so it is sealed under the cluster's key. */
export function openRelease(cluster: Keyed, release: ReleaseRecord): Desired {
  const packed = unseal(cluster.key, release.sealed, KEY.release(release.project, release.number));
  return JSON.parse(unpack(packed)) as Desired;
}

/** What of a project's releases stands now. */
export interface Standing {
  /** What the release in force deployed; absent before the first good one. */
  readonly inForce?: Desired;
  readonly mixed?: MixedRelease;
}

export async function readStanding(
  client: CatalogClient,
  cluster: Keyed,
  project: string,
  signal: AbortSignal,
): Promise<Standing> {
  const releases = await readReleases(client, project, signal);
  const good = lastGood(releases);
  return { ...(good === undefined ? {} : { inForce: openRelease(cluster, good) }), ...mixedOf(releases) };
}

/** The newest release, when it runs beside the one before it. */
export function mixedOf(releases: readonly ReleaseRecord[]): { mixed?: MixedRelease } {
  const newest = releases.at(-1);
  if (newest?.status !== 'mixed') return {};
  return { mixed: { release: newest.number, problem: newest.problem ?? 'it failed and was not undone' } };
}

/** Writes the record of a release that is about to be rolled out, under the next free number. */
export async function beginRelease(
  client: CatalogClient,
  cluster: Keyed,
  desired: Desired,
  facts: Pick<ReleaseRecord, 'images' | 'who' | 'note'> & { readonly now: Date },
  signal: AbortSignal,
): Promise<ReleaseRecord> {
  const { now, ...rest } = facts;
  const releases = await readReleases(client, desired.project, signal);
  const number = (releases.at(-1)?.number ?? 0) + 1;
  // Only the holder of the lease comes here: whoever wrote these did not live to say how they ended.
  for (const each of releases.filter(({ status }) => status === 'pending'))
    await writeRelease(client, { ...each, status: 'failed', endedAt: now.toISOString() });
  const key = KEY.release(desired.project, number);
  const record: ReleaseRecord = {
    project: desired.project,
    number,
    createdAt: now.toISOString(),
    status: 'pending',
    tasks: [],
    ...rest,
    sealed: seal(cluster.key, pack(JSON.stringify(desired)), key),
  };
  if (await client.kvPut(key, JSON.stringify(record), { cas: 0, signal })) return record;
  throw new SeawallError(
    'locked',
    `release ${number} of ${desired.project} was written by somebody else meanwhile`,
    {
      hint: 'Run the command again.',
    },
  );
}

/** Replaces a release's record. */
export async function writeRelease(client: CatalogClient, record: ReleaseRecord): Promise<void> {
  await client.kvPut(KEY.release(record.project, record.number), JSON.stringify(record), {
    timeoutMs: 10_000,
  });
}

/** Releases that may go: all but the newest `keep` good ones, what is newer than those, and the one in force. */
export function releasesToForget(
  releases: readonly ReleaseRecord[],
  keep: number,
  inForce: number | undefined,
): ReleaseRecord[] {
  const good = releases.filter((release) => release.status === 'good').slice(-Math.max(1, keep));
  const oldest = good[0]?.number ?? Number.POSITIVE_INFINITY;
  return releases.filter((release) => release.number < oldest && release.number !== inForce);
}
