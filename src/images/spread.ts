import { IMAGE_PORTS } from '../cluster.ts';
import { SeawallError } from '../errors.ts';
import type { HostLink } from '../hosts/index.ts';
import { reportStep } from '../progress.ts';
import type { HostBook } from './host-book.ts';
import { orderHost, startServing } from './host-order.ts';
import { type ImageIdentity, identityOf, isSameImage, nearestImage } from './inventory.ts';
import { type PlainLayer, packLayers } from './plain-layers.ts';
import { megabytes, sumOf } from './space.ts';
import type { Layer } from './staging/orders.ts';
import type { Exchange, ImageContext } from './wish.ts';

/** An image on its way to hosts, by way of hosts. */
export interface Spread {
  readonly reference: string;
  readonly identity: ImageIdentity;
  readonly receivers: readonly HostLink[];
  /** A host that has it, or the operator's layers. */
  readonly from:
    | { readonly host: HostLink }
    | { readonly layers: readonly PlainLayer[]; readonly config: Buffer };
}

/** For less a host is not asked what came before. */
const littleBytes = 20e6;

interface Work {
  readonly spread: Spread;
  readonly context: ImageContext;
  readonly exchange: Exchange;
  readonly book: HostBook;
}

/** What goes to the hosts: the same for all of them. */
interface Content {
  readonly config: string;
  readonly layers: readonly Layer[];
}

/**
 * Brings an image to hosts with one upload at most: to the host that lacks least, and from there to the others over the
 * private network; without any when a host has it. Layers wait on a host until all have come, so what was cut goes on.
 * @returns the hosts that could not be served this way, with the reason.
 */
export async function spreadImage(
  spread: Spread,
  work: Omit<Work, 'spread'>,
): Promise<readonly { readonly link: HostLink; readonly error: unknown }[]> {
  const all: Work = { ...work, spread };
  const { receivers, from } = spread;
  if ('host' in from) return fromHost(from.host, receivers, all);
  const [seed, ...others] = await leastLackingFirst(all);
  if (seed === undefined) return [];
  const content: Content = { config: from.config.toString('base64'), layers: from.layers };
  try {
    await upload(seed, from.layers, all);
    if (others.length > 0) await collectBelow(seed, others, all);
  } catch (error) {
    work.context.signal?.throwIfAborted();
    return receivers.map((link) => ({ link, error }));
  }
  const [own, rest] = await Promise.all([
    attempt(seed, () => loadOn(seed, content, others.length === 0, all)),
    handOut(seed, others, content, all),
  ]);
  if (own.length === 0 && others.length > 0) await clear(seed, all);
  return [...own, ...rest];
}

/** A host that has the image gives it to the others: also one that nobody else has any more. */
async function fromHost(holder: HostLink, receivers: readonly HostLink[], work: Work): Promise<Failures> {
  try {
    const content = await collect(holder, receivers, work);
    return await handOut(holder, receivers, content, work);
  } catch (error) {
    work.context.signal?.throwIfAborted();
    return receivers.map((link) => ({ link, error }));
  } finally {
    await clear(holder, work);
  }
}

/** What waits for nobody; a host that does not answer any more is not this step's matter. */
async function clear(link: HostLink, { context: { project, signal } }: Work): Promise<void> {
  await orderHost(link, { kind: 'clear', project }, { signal }).catch(() => null);
}

type Failures = readonly { readonly link: HostLink; readonly error: unknown }[];

/** One that fails must not keep the others from their image. */
async function attempt(link: HostLink, step: () => Promise<void>): Promise<Failures> {
  try {
    await step();
    return [];
  } catch (error) {
    return [{ link, error }];
  }
}

async function knownOn(link: HostLink, { spread, book }: Work): Promise<number> {
  const { images } = await book.inventory(link);
  return nearestImage(spread.identity.diffIds, images)?.known ?? 0;
}

async function leastLackingFirst(work: Work): Promise<readonly HostLink[]> {
  const known = await Promise.all(
    work.spread.receivers.map(async (link) => ({ link, known: await knownOn(link, work) })),
  );
  const rank = ({ link }: { link: HostLink }) => (link.roles.includes('edge') ? 0 : 1);
  return known
    .sort((a, b) => b.known - a.known || rank(a) - rank(b) || (a.link.name < b.link.name ? -1 : 1))
    .map(({ link }) => link);
}

async function upload(seed: HostLink, layers: readonly PlainLayer[], work: Work): Promise<void> {
  const { context, book, spread } = work;
  const known = await knownOn(seed, work);
  // A small one is sent anew sooner than it is found out what came before.
  const isLittle = sumOf(layers.slice(known)) < littleBytes;
  const { staged } = isLittle ? { staged: {} as Record<string, number> } : await book.look(seed);
  const missing = uniqueLayers(layers.slice(known))
    .map((layer) => ({ ...layer, from: Math.min(staged[layer.diffId] ?? 0, layer.bytes) }))
    .filter(({ bytes, from }) => from < bytes || bytes === 0);
  const resumed =
    sumOf(layers.slice(known)) - missing.reduce((sum, { bytes, from }) => sum + bytes - from, 0);
  if (missing.length === 0) return;
  const all = missing.reduce((sum, { bytes, from }) => sum + bytes - from, 0);
  const step = { id: `upload ${spread.reference}`, title: `send ${spread.reference}`, host: seed.name };
  await reportStep(context.report, step, async (note) => {
    const before = resumed > 0 ? `, ${megabytes(resumed)} MB came before` : '';
    const order = {
      kind: 'receive',
      project: context.project,
      layers: missing.map(({ diffId, bytes, from }) => ({ diffId, bytes, from })),
    } as const;
    await orderHost(seed, order, {
      body: () =>
        packLayers(missing, (bytes) => {
          if (context.traffic !== undefined) context.traffic.uploadedBytes += bytes;
        }),
      onBytes: (bytes) => note(`${megabytes(bytes)} of ${megabytes(all)} MB${before}`),
      signal: context.signal,
    });
    note(`${missing.length} layers, ${megabytes(all)} MB${before}`);
  });
}

/** Has the layers that receivers lack wait on a host that has the image. */
async function collect(holder: HostLink, receivers: readonly HostLink[], work: Work): Promise<Content> {
  const { context, spread } = work;
  const { diffIds } = spread.identity;
  const lowest = await lowestKnown(receivers, work);
  const step = { id: `collect ${spread.reference}`, title: `collect ${spread.reference}`, host: holder.name };
  return reportStep(context.report, step, async () => {
    const wanted = [...new Set(diffIds.slice(lowest))];
    const order = { kind: 'export', reference: spread.reference, diffIds: wanted } as const;
    const { project, signal } = context;
    const { config, layers } = await orderHost(holder, { ...order, project }, { signal });
    const bytes = new Map(layers.map((layer) => [layer.diffId, layer.bytes]));
    return { config, layers: diffIds.map((diffId) => ({ diffId, bytes: bytes.get(diffId) ?? 0 })) };
  });
}

/** Layers that the seed had before the upload and others lack come out of its Docker. */
async function collectBelow(seed: HostLink, receivers: readonly HostLink[], work: Work): Promise<void> {
  const { context, spread, book } = work;
  const { project, signal } = context;
  const { diffIds } = spread.identity;
  const lowest = await lowestKnown(receivers, work);
  const near = nearestImage(diffIds, (await book.inventory(seed)).images);
  if (near === undefined || near.known <= lowest) return;
  const wanted = [...new Set(diffIds.slice(lowest, near.known))];
  const order = { kind: 'export', project, reference: near.image.id, diffIds: wanted } as const;
  await orderHost(seed, order, { signal });
}

const lowestKnown = async (receivers: readonly HostLink[], work: Work): Promise<number> =>
  Math.min(...(await Promise.all(receivers.map((link) => knownOn(link, work)))));

/** Has `holder` give each host the layers that it lacks, and each of them load the image. */
async function handOut(
  holder: HostLink,
  receivers: readonly HostLink[],
  content: Content,
  work: Work,
): Promise<Failures> {
  if (receivers.length === 0) return [];
  const { context, exchange, spread } = work;
  const { project, signal } = context;
  try {
    const diffIds = [...new Set(spread.identity.diffIds.slice(await lowestKnown(receivers, work)))];
    const { certificate, privateKey, token } = await exchange.makeCredentials();
    const address = exchange.addresses[holder.name] ?? '';
    const order = { project, address, ports: IMAGE_PORTS, diffIds, certificate, privateKey, token };
    const serving = await startServing(holder, { kind: 'serve', ...order }, { signal });
    const server = { address, port: serving.port, certificate, token };
    try {
      const failures = await Promise.all(
        receivers.map((link) => attempt(link, () => takeFrom(holder, server, link, content, work))),
      );
      return failures.flat();
    } finally {
      await serving.stop();
    }
  } catch (error) {
    signal?.throwIfAborted();
    return receivers.map((link) => ({ link, error }));
  }
}

interface Server {
  readonly address: string;
  readonly port: number;
  readonly certificate: string;
  readonly token: string;
}

async function takeFrom(
  holder: HostLink,
  server: Server,
  link: HostLink,
  content: Content,
  work: Work,
): Promise<void> {
  const { context, exchange, spread } = work;
  const { project, signal, traffic } = context;
  const layers = uniqueLayers(content.layers.slice(await knownOn(link, work)));
  const all = sumOf(layers);
  const step = {
    id: `image ${link.name} ${spread.reference}`,
    title: `${spread.reference} from ${holder.name}`,
    host: link.name,
  };
  await reportStep(context.report, step, async (note) => {
    const order = { kind: 'fetch', project, tlsName: exchange.tlsName, layers, ...server } as const;
    const onBytes = (bytes: number) => note(`${megabytes(bytes)} of ${megabytes(all)} MB`);
    const { fetchedBytes } = await orderHost(link, order, { onBytes, signal });
    if (traffic !== undefined) traffic.betweenHostsBytes += fetchedBytes;
    await loadOn(link, content, true, work);
    note(`${layers.length} layers, ${megabytes(fetchedBytes)} MB`);
  });
}

/** Has a host load what waits there and checks what came of it. */
async function loadOn(link: HostLink, content: Content, clears: boolean, work: Work): Promise<void> {
  const { context, spread, book } = work;
  const { project, signal, traffic } = context;
  const { diffIds } = spread.identity;
  const { images, store } = await book.inventory(link);
  const near = nearestImage(diffIds, images);
  const known = near?.known ?? 0;
  const isWhole = store === 'containerd';
  // containerd's store is given every layer; those it has are taken out of it first, on the spot.
  if (isWhole && near !== undefined) {
    const below = [...new Set(diffIds.slice(0, known))];
    await orderHost(link, { kind: 'export', project, reference: near.image.id, diffIds: below }, { signal });
  }
  const from = isWhole ? 0 : known;
  const order = {
    kind: 'load',
    project,
    tag: spread.reference,
    config: content.config,
    diffIds,
    from,
    clears,
  };
  await orderHost(link, order as typeof order & { kind: 'load' }, { signal });
  const found = identityOf(await link.docker.inspectImage(spread.reference, { signal }), store);
  if (!isSameImage(found, spread.identity)) {
    const text = `the image ${spread.reference} arrived as another one (${found.id})`;
    throw new SeawallError('docker', text, { where: link.name });
  }
  await book.arrived(link, found);
  if (traffic !== undefined) {
    traffic.sentLayers += diffIds.length - known;
    traffic.skippedLayers += known;
  }
}

function uniqueLayers<L extends Layer>(layers: readonly L[]): readonly L[] {
  return layers.filter((layer, index) => layers.findIndex(({ diffId }) => diffId === layer.diffId) === index);
}
