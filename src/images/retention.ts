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
      tags.filter(
        (tag) => tag.startsWith(prefix) || (labels[builtForLabel] === project && tag.startsWith('seawall/')),
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

type PruneDocker = Pick<Docker, 'listImages' | 'listContainers' | 'removeImage' | 'tagImage'>;

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

/** Removes what no kept release and no container needs. @returns the names that are gone. */
export async function pruneImages(
  docker: PruneDocker,
  input: Pick<RetentionInput, 'project' | 'releases' | 'keep'>,
  options: CallOptions = {},
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
      await docker.removeImage(name, options);
      removed.push(name);
    } catch (error) {
      // A container that came up meanwhile holds it, or another deploy was faster.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
  return removed;
}
