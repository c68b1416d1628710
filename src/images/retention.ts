import { type Docker, isConflict, isNotFound } from '../hosts/index.ts';

/** Repository of the names that hold a release's images on a host, whatever happens to the names users gave. */
const keptRepository = 'seawall/kept';

/**
 * Label of the images that Seawall builds: their project. Not `seawall.project`, which every container of the image
 * would inherit, also one that somebody starts by hand.
 */
export const builtForLabel = 'seawall.built-for';

/** Name that keeps an image for a project's releases: `seawall/kept:PROJECT.DIGEST`. */
export function keptName(project: string, imageId: string): string {
  return `${keptRepository}:${project}.${imageId.replace(/^sha256:/, '')}`;
}

export const isKeptName = (reference: string): boolean => reference.startsWith(`${keptRepository}:`);

/**
 * The id that a project's releases know an image by, when one of its names keeps it for them: containerd's store has
 * ids of its own.
 */
export function releaseImageId(project: string, names: readonly string[]): string | undefined {
  const prefix = keptName(project, '');
  const kept = names.filter((name) => name.startsWith(prefix)).sort()[0];
  return kept === undefined ? undefined : `sha256:${kept.slice(prefix.length)}`;
}

export interface HeldImage {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface RetentionInput {
  readonly project: string;
  /** All releases of the project. */
  readonly releases: readonly {
    readonly number: number;
    readonly status: 'pending' | 'good' | 'failed' | 'mixed';
    readonly images: Readonly<Record<string, string>>;
  }[];
  /** How many good releases are kept, besides those that are pending. */
  readonly keep: number;
  /** Ids of images that containers of the host use, running or not. */
  readonly usedIds: readonly string[];
  readonly images: readonly HeldImage[];
}

/**
 * Names to remove from a host: those that Seawall gave (by the name it keeps a release's image under, or by the label
 * that it builds with) and that neither a kept release nor a container needs. Sorted.
 */
export function prunableNames(input: RetentionInput): readonly string[] {
  const { project, images } = input;
  const wanted = new Set([
    ...keptReleases(input).flatMap((release) => Object.values(release.images)),
    ...input.usedIds,
  ]);
  const keptNames = new Set([...wanted].map((id) => keptName(project, id)));
  const prefix = `${keptRepository}:${project}.`;
  const isWanted = (image: HeldImage) => wanted.has(image.id) || image.tags.some((tag) => keptNames.has(tag));
  return images
    .filter((image) => !isWanted(image))
    .flatMap(({ tags, labels }) =>
      tags.filter((tag) =>
        isKeptName(tag)
          ? tag.startsWith(prefix)
          : labels[builtForLabel] === project && tag.startsWith('seawall/'),
      ),
    )
    .sort();
}

/** Numbers of the releases that are kept: the newest good ones and those whose rollout runs. */
function keptReleases<Release extends RetentionInput['releases'][number]>(input: {
  readonly releases: readonly Release[];
  readonly keep: number;
}): readonly Release[] {
  const newestFirst = [...input.releases].sort((a, b) => b.number - a.number);
  const good = newestFirst.filter(({ status }) => status === 'good').slice(0, Math.max(1, input.keep));
  return [...newestFirst.filter(({ status }) => status === 'pending' || status === 'mixed'), ...good];
}

/**
 * How many good releases can be kept when the images of earlier ones may take `maxBytes` on a host: what serves and the
 * release before it count as needed, and always stay. A layer that several images share is counted with none of them.
 */
export function releasesWithin(
  releases: RetentionInput['releases'],
  keep: number,
  { maxBytes, ownBytes }: { readonly maxBytes: number; readonly ownBytes: ReadonlyMap<string, number> },
): number {
  const good = releases.filter(({ status }) => status === 'good').sort((a, b) => b.number - a.number);
  const seen = new Set(good.slice(0, 2).flatMap(({ images }) => Object.values(images)));
  let bytes = 0;
  for (const [index, { images }] of good.entries()) {
    for (const id of Object.values(images)) {
      if (!seen.has(id)) bytes += ownBytes.get(id) ?? 0;
      seen.add(id);
    }
    if (index >= 2 && bytes > maxBytes) return Math.min(keep, index);
  }
  return keep;
}

/** Bytes that only one image of the project takes, by the id that releases know it by. */
export async function ownImageBytes(
  docker: Pick<Docker, 'listImages'>,
  project: string,
  options: CallOptions = {},
): Promise<ReadonlyMap<string, number>> {
  const images = await docker.listImages({ sharedSize: true, ...options });
  return new Map(
    images.flatMap(({ RepoTags, Size, SharedSize = 0 }): [string, number][] => {
      const id = releaseImageId(project, RepoTags ?? []);
      // Engine 20.10 does not say what is shared (-1).
      return id === undefined ? [] : [[id, Size - Math.max(0, SharedSize)]];
    }),
  );
}

type PruneDocker = Pick<Docker, 'listImages' | 'listContainers' | 'removeImage' | 'tagImage'>;

/**
 * Milliseconds for which an image stays after it got its name, because another deploy may be about to send it: the same
 * sources give the same image in every cluster. One that no release of this cluster knows stays longer.
 */
const underWayMs = 30 * 60 * 1000;
const strangerKeptMs = 24 * 60 * 60 * 1000;

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Gives a release's images on a host the names that keep them. `reference`: any name or id the host knows. */
export async function keepImages(
  docker: PruneDocker,
  project: string,
  images: readonly { readonly reference: string; readonly id: string }[],
  options: CallOptions = {},
): Promise<void> {
  for (const { reference, id } of images) await docker.tagImage(reference, keptName(project, id), options);
}

/**
 * {@link pruneImages} for the machine that builds. The same project may be deployed from here to another cluster at this very moment:
 * what got its name a moment ago stays, and what the releases of this cluster do not know for a day.
 * @param knownIds images of this cluster's releases, those that were just forgotten too.
 */
export function pruneBuiltImages(
  docker: PruneDocker & Pick<Docker, 'inspectImage'>,
  input: Pick<RetentionInput, 'project' | 'releases' | 'keep'>,
  { knownIds, now, signal }: CallOptions & { readonly knownIds: ReadonlySet<string>; readonly now: number },
): Promise<readonly string[]> {
  const isSpared = async (name: string): Promise<boolean> => {
    const { Id, Metadata, Created } = await docker.inspectImage(name, { signal });
    const namedAt = Date.parse(Metadata?.LastTagTime ?? Created ?? '');
    return now - namedAt < (knownIds.has(Id) ? underWayMs : strangerKeptMs);
  };
  return pruneImages(docker, input, { signal, isSpared });
}

/** Removes what no kept release and no container needs. @returns the names that are gone. */
export async function pruneImages(
  docker: PruneDocker,
  input: Pick<RetentionInput, 'project' | 'releases' | 'keep'>,
  {
    isSpared = async () => false,
    ...options
  }: CallOptions & { readonly isSpared?: (name: string) => Promise<boolean> } = {},
): Promise<readonly string[]> {
  const [images, containers] = await Promise.all([
    docker.listImages(options),
    docker.listContainers({ all: true, ...options }),
  ]);
  const held = images.map(({ Id, RepoTags, Labels }) => ({
    id: Id,
    tags: RepoTags ?? [],
    labels: Labels ?? {},
  }));
  const usedIds = containers.map(({ ImageID }) => ImageID);
  const removed: string[] = [];
  for (const name of prunableNames({ ...input, usedIds, images: held })) {
    try {
      if (await isSpared(name)) continue;
      await docker.removeImage(name, options);
      removed.push(name);
    } catch (error) {
      // A container that came up meanwhile holds it, or another deploy was faster.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
  return removed;
}
