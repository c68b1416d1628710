import { SeawallError } from '../errors.ts';
import { type Docker, type HostLink, readFacts } from '../hosts/index.ts';
import type { ImageArchive } from './archive.ts';
import { findImage } from './find-image.ts';
import type { HostBook } from './host-book.ts';
import { type ImageIdentity, identityOf, nearestImage } from './inventory.ts';
import type { PlainLayer } from './plain-layers.ts';
import { type Arrival, fullDiskError, shortage, spaceError, spaceNeeded } from './space.ts';
import type { Spool } from './spool.ts';
import type { ImageContext, ImageWish } from './wish.ts';

/** Where an image comes from. */
export type Source = { readonly host: HostLink } | { readonly operator: Docker };

/** An image that hosts lack. */
export interface Job {
  readonly wish: ImageWish;
  readonly source: Source;
  readonly identity: ImageIdentity;
  readonly receivers: readonly HostLink[];
  /** Only with the operator as its source. */
  readonly archive?: ImageArchive;
  readonly layers?: readonly PlainLayer[];
  /** Bytes of the whole image as its engine says. */
  readonly bytes: number;
}

/** For less no host is asked for its free space: a deploy does not begin with less than half a gigabyte. */
const littleBytes = 64e6;

interface Tools {
  readonly spool: Spool;
  readonly context: ImageContext;
  readonly book: HostBook;
}

/**
 * Looks at the source of an image for hosts that lack it. One that has it under another name gets the name; for the
 * others the operator's copy is saved to a file.
 */
export async function prepareJob(
  wish: ImageWish,
  source: Source,
  hosts: readonly HostLink[],
  { spool, context, book }: Tools,
): Promise<Job> {
  const { signal } = context;
  const docker = 'host' in source ? source.host.docker : source.operator;
  const image = await docker.inspectImage(wish.reference, { signal });
  const isNamed = await Promise.all(hosts.map((link) => nameWhatIsThere(link, image.Id, wish, context)));
  const receivers = hosts.filter((_link, index) => isNamed[index] !== true);
  const store = 'host' in source ? await book.store(source.host) : undefined;
  const identity = identityOf(image, store);
  const job = { wish, source, identity, receivers, bytes: image.Size };
  if ('host' in source || receivers.length === 0) return job;
  const archive = await spool.archive(docker, image.Id, signal);
  const layers = await spool.layers(archive);
  return { ...job, identity: { ...identity, configDigest: archive.imageId }, archive, layers };
}

/** Several services of one build are one image: what the host has under another name only needs the name. */
async function nameWhatIsThere(
  { docker }: HostLink,
  id: string,
  { reference }: ImageWish,
  { signal, traffic }: ImageContext,
): Promise<boolean> {
  const present = await findImage(docker, id, { signal });
  if (present === undefined) return false;
  await docker.tagImage(id, reference, { signal });
  if (traffic !== undefined) traffic.skippedLayers += present.RootFS.Layers?.length ?? 0;
  return true;
}

/** @throws SeawallError `refused` when a host has not the room for all that it is to get. */
export async function requireSpace(jobs: readonly Job[], tools: Tools): Promise<void> {
  const links = [...new Set(jobs.flatMap(({ receivers }) => receivers))];
  await Promise.all(
    links.map(async (link) => {
      const mine = jobs.filter(({ receivers }) => receivers.includes(link));
      const arrivals = await Promise.all(mine.map((job) => arrivalOf(job, link, tools)));
      if (spaceNeeded(arrivals).storeBytes < littleBytes) return;
      const isStaged = tools.context.exchange?.addresses[link.name] !== undefined;
      const { store, staging, staged } = isStaged
        ? await tools.book.look(link)
        : await roomByShell(link, tools.context.signal);
      const need = spaceNeeded(arrivals, staged);
      const short = shortage(isStaged ? need : { ...need, stagingBytes: 0 }, { store, staging });
      if (short !== undefined) throw spaceError(link.name, short, await unusedBytes(link, tools.context));
    }),
  );
}

/** Whether an image did not get to a host because there is no room for it now: then that is the error. */
export async function fullDiskBehind(
  error: unknown,
  link: HostLink,
  job: Job,
  { book, context }: Pick<Tools, 'book' | 'context'>,
): Promise<SeawallError | undefined> {
  if (error instanceof SeawallError && error.code === 'refused') return error;
  if (context.exchange?.addresses[link.name] === undefined) return undefined;
  const need = spaceNeeded([await arrivalOf(job, link, { book })]);
  return shortage(need, await book.lookAgain(link)) && fullDiskError(link.name, error);
}

/** What a host tells whose agent is not there yet; one that tells nothing is believed to have room. */
async function roomByShell(link: HostLink, signal: AbortSignal | undefined) {
  const { disk } = await readFacts(link, { signal });
  const room = disk ?? { totalBytes: 0, freeBytes: Number.POSITIVE_INFINITY };
  return { store: room, staging: room, staged: {} };
}

async function arrivalOf(job: Job, link: HostLink, { book }: Pick<Tools, 'book'>): Promise<Arrival> {
  const { images, store } = await book.inventory(link);
  const near = nearestImage(job.identity.diffIds, images);
  const known = near?.known ?? 0;
  if (job.layers !== undefined) return { layers: job.layers, known, store };
  // Sizes of single layers are known once they were taken out: until then the host has nothing of the difference.
  const base = near === undefined ? 0 : (await link.docker.inspectImage(near.image.id)).Size;
  const layers = job.identity.diffIds.map((diffId, index) => ({
    diffId,
    bytes: index === known ? Math.max(0, job.bytes - base) : 0,
  }));
  return { layers, known, store };
}

async function unusedBytes({ docker }: HostLink, { signal }: ImageContext): Promise<number> {
  const [images, containers] = await Promise.all([
    docker.listImages({ signal }),
    docker.listContainers({ all: true, signal }),
  ]);
  const used = new Set(containers.map(({ ImageID }) => ImageID));
  return images.reduce((sum, { Id, Size }) => sum + (used.has(Id) ? 0 : Size), 0);
}
