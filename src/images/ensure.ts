import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, SeawallError } from '../errors.ts';
import type { Docker, HostLink, ImageInfo } from '../hosts/index.ts';
import { reportStep } from '../progress.ts';
import { buildImage } from './build.ts';
import { findImage } from './find-image.ts';
import { HostBook } from './host-book.ts';
import { identityOf, isSameImage } from './inventory.ts';
import { type Job, prepareJob, requireSpace, type Source } from './job.ts';
import { findLacks, type Lack } from './lacks.ts';
import { missingImage, unpulledDigest } from './pull.ts';
import { builtForLabel, isKeptName, releaseImageId } from './retention.ts';
import { checkPlatform, sendJob } from './send.ts';
import { Spool } from './spool.ts';
import type { ImageContext, ImageWish, ReadyImage } from './wish.ts';
import { isByDigest, linkOf } from './wish.ts';

/**
 * Builds what is to be built, and brings every image to every host that needs it, before anything is stopped or
 * started. Nothing moves when all is there, and nothing is sent when a host lacks the room. All hosts end with the same
 * image under the same name.
 * @returns by service.
 */
export async function ensureImages(
  wishes: readonly ImageWish[],
  context: ImageContext,
): Promise<Readonly<Record<string, ReadyImage>>> {
  const spool = new Spool(await mkdtemp(join(tmpdir(), 'seawall-images-')));
  const tools = { spool, context, book: new HostBook(context.project, context.signal) };
  try {
    const merged = mergeWishes(wishes);
    // One build after the other: they share the builder's cache and the machine.
    for (const wish of merged) if (wish.build !== undefined) await ensureBuilt(wish, context);
    const lacks = await findLacks(merged, tools);
    const jobs: Job[] = [];
    for (const lack of lacks) jobs.push(await jobOf(lack, tools));
    await requireSpace(jobs, tools);
    // One after the other: later ones may share layers of earlier ones.
    for (const job of jobs) await sendJob(job, tools);
    const ready = new Map<string, ReadyImage>();
    for (const wish of merged) ready.set(wish.reference, await settle(wish, tools));
    return Object.fromEntries(
      wishes.flatMap(({ service, reference }) => {
        const image = ready.get(reference);
        return image === undefined ? [] : [[service, image]];
      }),
    );
  } finally {
    await spool.remove();
  }
}

interface Tools {
  readonly spool: Spool;
  readonly context: ImageContext;
  readonly book: HostBook;
}

/** Builds what is not built yet, and moves nothing: for `seawall build`. */
export async function buildImages(wishes: readonly ImageWish[], context: ImageContext): Promise<void> {
  for (const wish of mergeWishes(wishes)) if (wish.build !== undefined) await ensureBuilt(wish, context);
}

/** Services of one reference are one wish for all their hosts. */
function mergeWishes(wishes: readonly ImageWish[]): readonly ImageWish[] {
  const merged = new Map<string, ImageWish>();
  for (const wish of wishes) {
    const known = merged.get(wish.reference);
    if (known === undefined) merged.set(wish.reference, wish);
    else {
      const hosts = [...new Set([...known.hosts, ...wish.hosts])];
      merged.set(wish.reference, { ...known, hosts, pull: wish.pull === 'always' ? 'always' : known.pull });
    }
  }
  return [...merged.values()];
}

/** Who has what hosts lack: one of the hosts that are to run it, else the machine that built it or the operator's. */
async function jobOf({ wish, hosts }: Lack, tools: Tools): Promise<Job> {
  const { context } = tools;
  const { signal, report, operator } = context;
  const [first] = hosts;
  if (first !== undefined && isByDigest(wish.reference))
    throw unpulledDigest(first.link, wish, first.failure);
  const receivers = hosts.map(({ link }) => link);
  const source = (await holderAmong(wish, receivers, context)) ?? (await builderSource(wish, context));
  const operatorHas = operator !== undefined && (await findImage(operator, wish.reference, { signal }));
  if (source === undefined && (operator === undefined || !operatorHas)) {
    if (first === undefined) throw new SeawallError('bug', `nobody lacks ${wish.reference}`);
    throw missingImage(first.link, wish, first.failure);
  }
  const from = source ?? { operator: operator as Docker };
  for (const { link, failure } of wish.build === undefined ? hosts : []) {
    const why =
      failure === undefined
        ? 'is not pulled (pull_policy: never)'
        : `could not pull it (${describeError(failure)})`;
    const copy = 'host' in from ? `the copy of ${from.host.name}` : "this machine's copy";
    report({ kind: 'line', text: `${wish.reference}: host ${link.name} ${why}; sending ${copy}.` });
  }
  const engine = 'host' in from ? from.host.docker : from.operator;
  const image = await engine.inspectImage(wish.reference, { signal });
  await Promise.all(receivers.map((link) => checkPlatform(image, link, wish, signal)));
  return prepareJob(wish, from, receivers, tools);
}

/**
 * A host that has the image: it may be the only one that does. A name that holds a digest means the same everywhere;
 * what another one means on a host that is not to run it may be old.
 */
async function holderAmong(
  wish: ImageWish,
  lacking: readonly HostLink[],
  context: ImageContext,
): Promise<Source | undefined> {
  if (context.exchange === undefined) return undefined;
  const isDigest = wish.build !== undefined || isKeptName(wish.reference);
  for (const link of context.links.values()) {
    if (lacking.includes(link) || (!isDigest && !wish.hosts.includes(link.name))) continue;
    if ((await findImage(link.docker, wish.reference, context)) !== undefined) return { host: link };
  }
  return undefined;
}

async function builderSource(wish: ImageWish, context: ImageContext): Promise<Source | undefined> {
  if (wish.build === undefined) return undefined;
  const { on } = wish.build;
  return on === undefined ? { operator: builderOf(wish, context) } : { host: linkOf(context, on) };
}

async function ensureBuilt(wish: ImageWish, context: ImageContext): Promise<void> {
  const { build, service, reference } = wish;
  if (build === undefined) return;
  const builder = builderOf(wish, context);
  const { signal, report } = context;
  if (!build.noCache && (await findImage(builder, reference, { signal }))) return;
  if (!build.noCache && (await isOnHosts(wish, context))) return;
  const step = {
    id: `build ${reference}`,
    title: `build ${service}`,
    ...(build.on === undefined ? {} : { host: build.on }),
  };
  await reportStep(report, step, async (note) => {
    await buildImage({
      name: service,
      build,
      tags: [reference, ...build.tags],
      labels: { [builtForLabel]: context.project },
      platform: wish.platform ?? build.platforms[0],
      socketPath: builder.socketPath,
      onLine: (line) => note(line),
      signal,
    });
  });
}

function builderOf(wish: ImageWish, context: ImageContext): Docker {
  const on = wish.build?.on;
  if (on !== undefined) return linkOf(context, on).docker;
  if (context.operator !== undefined) return context.operator;
  throw new SeawallError('unreachable', `nothing here can build the image of ${wish.service}`, {
    where: `services.${wish.service}.build`,
    hint: 'Start Docker on this machine, or build on a host: x-seawall: { build: { on: HOST } }',
  });
}

/** The name holds the hash of the sources: a host that has it can give it to the others, where they are a cluster. */
async function isOnHosts(wish: ImageWish, context: ImageContext): Promise<boolean> {
  const { exchange, links } = context;
  const needed = wish.hosts.map((name) => linkOf(context, name));
  const find = ({ docker }: HostLink) => findImage(docker, wish.reference, context);
  const found = await Promise.all((exchange === undefined ? needed : [...links.values()]).map(find));
  const isHere = (image: unknown) => image !== undefined;
  return found.length > 0 && (exchange === undefined ? found.every(isHere) : found.some(isHere));
}

/** Checks every host and makes a name that means two images on two hosts mean one: the newest. */
async function settle(wish: ImageWish, tools: Tools): Promise<ReadyImage> {
  const { context } = tools;
  const { signal } = context;
  const look = async (name: string) => {
    const link = linkOf(context, name);
    return { link, image: await link.docker.inspectImage(wish.reference, { signal }) };
  };
  const held = await Promise.all(wish.hosts.map(look));
  const newest = [...held].sort(
    (a, b) => Date.parse(b.image.Created ?? '') - Date.parse(a.image.Created ?? ''),
  )[0];
  if (newest === undefined) throw new SeawallError('bug', `no host is named for the image ${wish.reference}`);
  for (const { link, image } of isByDigest(wish.reference) ? [] : held) {
    if (image.Id === newest.image.Id || (await isSameOnBoth({ link, image }, newest, tools))) continue;
    const text = `${wish.reference} was another image on ${link.name}; taking that of ${newest.link.name}.`;
    context.report({ kind: 'line', text });
    await sendJob(await prepareJob(wish, { host: newest.link }, [link], tools), tools);
  }
  const same = await Promise.all(wish.hosts.map(look));
  const hostIds = same.map(({ link, image }) => [link.name, image.Id] as const);
  return {
    reference: wish.reference,
    id: await releaseId(same, tools),
    hostIds: Object.fromEntries(hostIds),
    config: newest.image.Config ?? {},
  };
}

interface Held {
  readonly link: HostLink;
  readonly image: ImageInfo;
}

async function isSameOnBoth(a: Held, b: Held, { book }: Tools): Promise<boolean> {
  const identify = async ({ link, image }: Held) => identityOf(image, await book.store(link));
  return isSameImage(await identify(a), await identify(b));
}

/**
 * What releases call an image on all hosts: as they called it before, else the digest of its configuration, which is its
 * id in classic stores and not in containerd's.
 */
async function releaseId(held: readonly Held[], { context, book }: Tools): Promise<string> {
  const kept = held.map(({ image }) => releaseImageId(context.project, image.RepoTags ?? []));
  const known = kept.find((id) => id !== undefined);
  if (known !== undefined) return known;
  for (const { link, image } of held) {
    if ((await book.store(link)) === 'classic') return image.Id;
  }
  return held[0]?.image.Id ?? '';
}
