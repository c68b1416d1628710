import type { DockerError, HostLink } from '../hosts/index.ts';
import { findImage } from './find-image.ts';
import { tryPull } from './pull.ts';
import type { Spool } from './spool.ts';
import { type ImageContext, type ImageWish, isByDigest, linkOf } from './wish.ts';

interface Tools {
  readonly spool: Spool;
  readonly context: ImageContext;
}

/** Hosts that need an image sent: they have not got it, and pulling it is not asked for or failed. */
export interface Lack {
  readonly wish: ImageWish;
  readonly hosts: readonly { readonly link: HostLink; readonly failure?: DockerError }[];
}

/** Hosts at the same time; the pulls of one host one after the other, as later ones may share layers of earlier ones. */
export async function findLacks(wishes: readonly ImageWish[], tools: Tools): Promise<readonly Lack[]> {
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
  if (present && (wish.pull !== 'always' || isByDigest(wish.reference))) return undefined;
  if (wish.pull === 'never') return {};
  const failure = await tryPull(link, wish, { spool, context });
  return failure === undefined ? undefined : { failure };
}
