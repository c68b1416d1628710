import { describeError, SeawallError } from '../errors.ts';
import type { HostLink, ImageInfo } from '../hosts/index.ts';
import { reportStep } from '../progress.ts';
import type { HostBook } from './host-book.ts';
import { isSameImage, nearestImage } from './inventory.ts';
import { fullDiskBehind, type Job } from './job.ts';
import { megabytes, sumOf } from './space.ts';
import type { Spool } from './spool.ts';
import { type Spread, spreadImage } from './spread.ts';
import { sendImage } from './transfer.ts';
import { type ImageContext, type ImageWish, imagePlatform, platformError } from './wish.ts';

/** Up to this much is sent to a single host, or to several together, at once: to begin anew costs less than to wait. */
const atOnceBytes = { one: 8e6, several: 500e3 };

interface Tools {
  readonly spool: Spool;
  readonly context: ImageContext;
  readonly book: HostBook;
}

/** Brings an image to the hosts that lack it: host to host where that can be, else from this machine. */
export async function sendJob(job: Job, tools: Tools): Promise<void> {
  const { context } = tools;
  const receivers = await withoutThoseThatHaveIt(job, tools);
  if (receivers.length === 0) return;
  const spread = await spreadOf(job, receivers, tools);
  if (spread === undefined || context.exchange === undefined) {
    await sendToAll(job, receivers, tools);
    return;
  }
  const { exchange } = context;
  const failures = await spreadImage(spread, { context, exchange, book: tools.book });
  context.signal?.throwIfAborted();
  for (const { link, error } of failures) {
    const full = await fullDiskBehind(error, link, job, tools);
    if (full !== undefined) throw full;
    const text = `${job.wish.reference} did not get to ${link.name} by way of the other hosts (${reasonOf(error, link)}); sending it from here.`;
    context.report({ kind: 'line', text });
  }
  await sendToAll(
    job,
    failures.map(({ link }) => link),
    tools,
  );
}

/** The line names the host that was to get it: another one that failed is said too. */
function reasonOf(error: unknown, { name }: HostLink): string {
  const where = error instanceof SeawallError && error.where !== name ? error.where : undefined;
  return where === undefined ? describeError(error) : `${where}: ${describeError(error)}`;
}

/** The way by way of hosts; `undefined` when it is not there or not worth it. */
async function spreadOf(
  job: Job,
  receivers: readonly HostLink[],
  { context, book }: Tools,
): Promise<Spread | undefined> {
  const { exchange } = context;
  const { wish, identity, source, layers, archive } = job;
  const canExchange = (link: HostLink) => !link.local && exchange?.addresses[link.name] !== undefined;
  if (!receivers.every(canExchange)) return undefined;
  const common = { reference: wish.reference, identity, receivers };
  if ('host' in source) return canExchange(source.host) ? { ...common, from: source } : undefined;
  if (layers === undefined || archive === undefined) return undefined;
  const missing = await Promise.all(
    receivers.map(async (link) => {
      const near = nearestImage(identity.diffIds, (await book.inventory(link)).images);
      return sumOf(layers.slice(near?.known ?? 0));
    }),
  );
  const bytes = missing.reduce((sum, each) => sum + each, 0);
  if (bytes <= (receivers.length === 1 ? atOnceBytes.one : atOnceBytes.several)) return undefined;
  return { ...common, from: { layers, config: archive.config } };
}

/** An earlier job of this deploy, or another name of the same image, may have brought it. */
async function withoutThoseThatHaveIt(
  { receivers, identity, wish }: Job,
  { book, context: { signal, traffic } }: Tools,
): Promise<readonly HostLink[]> {
  const lacking = await Promise.all(
    receivers.map(async (link) => {
      const { images } = await book.inventory(link);
      const present = images.find((image) => isSameImage(image, identity));
      if (present === undefined) return [link];
      await link.docker.tagImage(present.id, wish.reference, { signal });
      if (traffic !== undefined) traffic.skippedLayers += identity.diffIds.length;
      return [];
    }),
  );
  return lacking.flat();
}

async function sendToAll(job: Job, receivers: readonly HostLink[], tools: Tools): Promise<void> {
  const results = await Promise.allSettled(receivers.map((link) => sendTo(link, job, tools)));
  tools.context.signal?.throwIfAborted();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** All that a host lacks, from this machine. */
async function sendTo(
  link: HostLink,
  { wish, source, identity }: Job,
  { spool, context, book }: Tools,
): Promise<void> {
  const { report, signal, traffic } = context;
  const docker = 'host' in source ? source.host.docker : source.operator;
  if (docker.socketPath === link.docker.socketPath) return;
  const step = {
    id: `image ${link.name} ${wish.reference}`,
    title: `send ${wish.reference}`,
    host: link.name,
  };
  await reportStep(report, step, async (note) => {
    const archive = await spool.archive(docker, identity.id, signal);
    const sent = await sendImage(archive, link, wish.reference, {
      inventory: await book.inventory(link),
      onProgress: (bytes, all) => note(`${megabytes(bytes)} of ${megabytes(all)} MB`),
      onWireBytes: (bytes) => {
        if (traffic !== undefined) traffic.uploadedBytes += bytes;
      },
      signal,
    });
    await book.arrived(link, { ...identity, id: sent.hostId });
    if (traffic !== undefined) {
      traffic.sentLayers += sent.sentLayers;
      traffic.skippedLayers += identity.diffIds.length - sent.sentLayers;
    }
    note(sent.sentLayers === 0 ? 'was there' : `${sent.sentLayers} layers, ${megabytes(sent.sentBytes)} MB`);
  });
}

/** An image for other processors is refused before anything of it is sent. */
export async function checkPlatform(
  image: ImageInfo,
  link: HostLink,
  wish: ImageWish,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { Os, Arch } = await link.docker.version({ signal });
  const host = imagePlatform({ Os, Architecture: Arch });
  // A platform that the file asks for is the user's word: the host may emulate it.
  if (imagePlatform(image) !== host && wish.platform === undefined) {
    throw platformError(wish, imagePlatform(image), link.name, host);
  }
}
