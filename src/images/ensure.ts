import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, SeawallError } from '../errors.ts';
import type { Docker, DockerError, HostLink } from '../hosts/index.ts';
import { reportStep } from '../progress.ts';
import { buildImage } from './build.ts';
import { findImage } from './find-image.ts';
import { HostBook } from './host-book.ts';
import { identityOf, isSameImage } from './inventory.ts';
import { type Job, prepareJob, requireSpace, type Source } from './job.ts';
import { missingImage, tryPull } from './pull.ts';
import { builtForLabel } from './retention.ts';
import { checkPlatform, sendJob } from './send.ts';
import { Spool } from './spool.ts';
import type { ImageContext, ImageWish, ReadyImage } from './wish.ts';

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

/** Hosts that need an image sent: they have not got it, and pulling it is not asked for or failed. */
interface Lack {
  readonly wish: ImageWish;
  readonly hosts: readonly { readonly link: HostLink; readonly failure?: DockerError }[];
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

/** Hosts at the same time; the pulls of one host one after the other, as later ones may share layers of earlier ones. */
async function findLacks(wishes: readonly ImageWish[], tools: Tools): Promise<readonly Lack[]> {
  const { context } = tools;
  const names = [...new Set(wishes.flatMap(({ hosts }) => hosts))];
  const results = await Promise.allSettled(
    names.map(async (name) => {
      const link = linkOf(context, name);
      const found: { wish: ImageWish; link: HostLink; failure?: DockerError }[] = [];
      for (const wish of wishes) {
        if (!wish.hosts.includes(name)) continue;
        const lack = await lackOf(link, wish, tools);
        if (lack !== undefined) found.push({ wish, link, ...lack });
      }
      return found;
    }),
  );
  context.signal?.throwIfAborted();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const all = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  return wishes
    .map((wish) => ({ wish, hosts: all.filter((each) => each.wish === wish) }))
    .filter(({ hosts }) => hosts.length > 0);
}

async function lackOf(
  link: HostLink,
  wish: ImageWish,
  { spool, context }: Tools,
): Promise<{ readonly failure?: DockerError } | undefined> {
  const present = (await findImage(link.docker, wish.reference, context)) !== undefined;
  if (wish.build !== undefined) return present ? undefined : {};
  if (present && wish.pull !== 'always') return undefined;
  if (wish.pull === 'never') return {};
  const failure = await tryPull(link, wish, { spool, context });
  return failure === undefined ? undefined : { failure };
}

/** Who has what hosts lack: one of the hosts that are to run it, else the machine that built it or the operator's. */
async function jobOf({ wish, hosts }: Lack, tools: Tools): Promise<Job> {
  const { context } = tools;
  const { signal, report, operator } = context;
  const receivers = hosts.map(({ link }) => link);
  const source = (await holderAmong(wish, receivers, context)) ?? (await builderSource(wish, context));
  const operatorHas = operator !== undefined && (await findImage(operator, wish.reference, { signal }));
  const [first] = hosts;
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

/** A host that is to run the image and has it: it may be the only one that does. */
async function holderAmong(
  wish: ImageWish,
  lacking: readonly HostLink[],
  context: ImageContext,
): Promise<Source | undefined> {
  if (context.exchange === undefined) return undefined;
  for (const name of wish.hosts) {
    const link = linkOf(context, name);
    if (lacking.includes(link)) continue;
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
  const { signal, exchange } = context;
  const found = await Promise.all(
    wish.hosts.map((name) => findImage(linkOf(context, name).docker, wish.reference, { signal })),
  );
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
  const identity = identityOf(newest.image);
  for (const { link, image } of held) {
    if (isSameImage(identityOf(image), identity)) continue;
    const text = `${wish.reference} was another image on ${link.name}; taking that of ${newest.link.name}.`;
    context.report({ kind: 'line', text });
    await sendJob(await prepareJob(wish, { host: newest.link }, [link], tools), tools);
  }
  const hostIds = await Promise.all(
    wish.hosts.map(async (name) => [name, (await look(name)).image.Id] as const),
  );
  return {
    reference: wish.reference,
    id: identity.id,
    hostIds: Object.fromEntries(hostIds),
    config: newest.image.Config ?? {},
  };
}

function linkOf(context: ImageContext, name: string): HostLink {
  const link = context.links.get(name);
  if (link !== undefined) return link;
  throw new SeawallError('unreachable', `host ${name} is not connected`, { where: name });
}
