import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { SeawallError } from '../../errors.ts';
import type { Docker } from '../../hosts/index.ts';
import { packingOf, unpackedStream } from '../unpack.ts';
import type { LayerFolder } from './folder.ts';
import type { Exported, ExportOrder } from './orders.ts';

/** Larger files of a saved image are layers. */
const metadataBytes = 4 * 2 ** 20;

interface Found {
  readonly metadata: Map<string, Buffer>;
  readonly wanted: Set<string>;
}

/**
 * Takes layers out of Docker by `docker save`, whose files are looked at as they come: the layout of engines since 25
 * names a layer by its digest, older ones do not, and containerd's store may give it compressed.
 */
export async function exportLayers(
  order: ExportOrder,
  folder: LayerFolder,
  docker: Pick<Docker, 'saveImages'>,
): Promise<Exported> {
  const whole = await Promise.all(order.diffIds.map((diffId) => folder.isWhole(diffId)));
  const found: Found = {
    metadata: new Map(),
    wanted: new Set(order.diffIds.filter((_diffId, index) => whole[index] !== true)),
  };
  const tar = extract();
  const reading = (async () => {
    for await (const entry of tar) {
      if (entry.header.type === 'file') await readEntry(entry as unknown as TarFile, folder, found);
      else (entry as unknown as Readable).resume();
    }
  })();
  const saved = await docker.saveImages([order.reference]);
  await Promise.all([pipeline(saved, tar as unknown as NodeJS.WritableStream), reading]);
  if (found.wanted.size > 0) {
    const text = `the image ${order.reference} as Docker saved it lacks ${[...found.wanted].join(', ')}`;
    throw new SeawallError('docker', text);
  }
  const layers = await Promise.all(
    order.diffIds.map(async (diffId) => ({ diffId, bytes: await folder.bytes(diffId) })),
  );
  return { config: configOf(found, order.reference).toString('base64'), layers };
}

type TarFile = Readable & { readonly header: { readonly name: string; readonly size?: number } };

async function readEntry(entry: TarFile, folder: LayerFolder, { metadata, wanted }: Found): Promise<void> {
  const { name, size = 0 } = entry.header;
  const chunks = entry[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await beginning(chunks);
  const rest = { [Symbol.asyncIterator]: () => chunks };
  const isLikeMetadata = name === 'manifest.json' || first[0] === 0x7b;
  if (isLikeMetadata && size <= metadataBytes) {
    const parts = [first];
    for await (const chunk of rest) parts.push(chunk);
    const content = Buffer.concat(parts);
    // A layer begins with `{` too when that is how its first file's name does (a tar's first bytes are that name).
    const diffId = await keepIfWanted([content], folder, wanted);
    if (diffId === undefined) metadata.set(name, content);
    else wanted.delete(diffId);
    return;
  }
  const named = `sha256:${name.split('/').at(-1) ?? ''}`;
  // Its name says that it is another one.
  const isOther = packingOf(first) === undefined && /^blobs\/sha256\//.test(name) && !wanted.has(named);
  if (isOther || wanted.size === 0) {
    for await (const _ of rest);
    return;
  }
  const diffId = await keepIfWanted(unpackedStream(first, rest), folder, wanted);
  if (diffId !== undefined) wanted.delete(diffId);
}

/** The first bytes of a file: 4 or more, by which its packing is known, where it has them. */
async function beginning(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  while (first.byteLength < 4) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    first = Buffer.concat([first, value]);
  }
  return first;
}

/** Writes a layer aside and gives it its name when it is one that is wanted. */
async function keepIfWanted(
  content: AsyncIterable<Buffer> | readonly Buffer[],
  folder: LayerFolder,
  wanted: ReadonlySet<string>,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  const file = await folder.aside();
  for await (const chunk of content) {
    hash.update(chunk);
    await file.write(chunk);
  }
  const diffId = `sha256:${hash.digest('hex')}`;
  await file.close(wanted.has(diffId) ? diffId : undefined);
  return wanted.has(diffId) ? diffId : undefined;
}

function configOf({ metadata }: Found, reference: string): Buffer {
  const manifest = JSON.parse(metadata.get('manifest.json')?.toString() ?? '[]') as readonly {
    readonly Config: string;
  }[];
  const config = metadata.get(manifest[0]?.Config ?? '');
  if (config !== undefined) return config;
  throw new SeawallError('docker', `the image ${reference} as Docker saved it has no configuration`);
}
