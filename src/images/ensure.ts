import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeawallError } from '../errors.ts';
import type { Docker, HostLink } from '../hosts/index.ts';
import { reportStep } from '../progress.ts';
import { buildImage } from './build.ts';
import { identityOf, isSameImage } from './inventory.ts';
import { builtForLabel } from './retention.ts';
import { findImage, pullOrSend, Spool, sendFrom } from './supply.ts';
import type { ImageContext, ImageWish, ReadyImage } from './wish.ts';

/**
 * Builds what is to be built, and brings every image to every host that needs it, before anything is stopped or
 * started. Nothing moves when all is there. All hosts end with the same image under the same name.
 * @returns by service.
 */
export async function ensureImages(
  wishes: readonly ImageWish[],
  context: ImageContext,
): Promise<Readonly<Record<string, ReadyImage>>> {
  const spool = new Spool(await mkdtemp(join(tmpdir(), 'seawall-images-')));
  try {
    const merged = mergeWishes(wishes);
    // One build after the other: they share the builder's cache and the machine.
    for (const wish of merged) if (wish.build !== undefined) await ensureBuilt(wish, context);
    await forEachHost(merged, context, (link, wish) => supply(link, wish, { spool, context }));
    const ready = new Map<string, ReadyImage>();
    for (const wish of merged) ready.set(wish.reference, await settle(wish, { spool, context }));
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

/** Hosts at the same time; the images of one host one after the other, as later ones may share layers of earlier ones. */
async function forEachHost(
  wishes: readonly ImageWish[],
  context: ImageContext,
  work: (link: HostLink, wish: ImageWish) => Promise<void>,
): Promise<void> {
  const names = [...new Set(wishes.flatMap(({ hosts }) => hosts))];
  const results = await Promise.allSettled(
    names.map(async (name) => {
      const link = linkOf(context, name);
      for (const wish of wishes) if (wish.hosts.includes(name)) await work(link, wish);
    }),
  );
  context.signal?.throwIfAborted();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function ensureBuilt(wish: ImageWish, context: ImageContext): Promise<void> {
  const { build, service, reference } = wish;
  if (build === undefined) return;
  const builder = builderOf(wish, context);
  const { signal, report } = context;
  if (!build.noCache && (await findImage(builder, reference, { signal }))) return;
  if (!build.noCache && wish.hosts.length > 0 && (await isOnAllHosts(wish, context))) return;
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

async function isOnAllHosts(wish: ImageWish, context: ImageContext): Promise<boolean> {
  const { signal } = context;
  const found = await Promise.all(
    wish.hosts.map((name) => findImage(linkOf(context, name).docker, wish.reference, { signal })),
  );
  return found.every((image) => image !== undefined);
}

async function supply(
  link: HostLink,
  wish: ImageWish,
  work: { readonly spool: Spool; readonly context: ImageContext },
): Promise<void> {
  const { signal } = work.context;
  const present = (await findImage(link.docker, wish.reference, { signal })) !== undefined;
  if (wish.build !== undefined) {
    if (!present) await sendFrom(builderOf(wish, work.context), link, wish, work);
  } else if (!present || wish.pull === 'always') {
    await pullOrSend(link, wish, work);
  }
}

/** Checks every host and makes a name that means two images on two hosts mean one: the newest. */
async function settle(
  wish: ImageWish,
  work: { readonly spool: Spool; readonly context: ImageContext },
): Promise<ReadyImage> {
  const { context } = work;
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
    await sendFrom(newest.link.docker, link, wish, work);
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
