import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import { type Docker, withTag } from '../../hosts/index.ts';
import { hexOf, type LayerFolder } from './folder.ts';
import type { LoadOrder } from './orders.ts';

/** Has Docker load an image out of the layers that wait here. Docker checks every layer against the configuration. */
export async function loadLayers(
  order: LoadOrder,
  folder: LayerFolder,
  docker: Pick<Docker, 'loadImages'>,
): Promise<void> {
  const tar = pack();
  const writing = writeImage(order, folder, tar);
  writing.catch((error: unknown) => tar.destroy(error as Error));
  await Promise.all([docker.loadImages(tar as unknown as Readable), writing]);
}

async function writeImage(
  { config: text, diffIds, from, tag }: LoadOrder,
  folder: LayerFolder,
  tar: ReturnType<typeof pack>,
): Promise<void> {
  const config = Buffer.from(text, 'base64');
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  const layerName = (diffId: string) => `${hexOf(diffId)}/layer.tar`;
  tar.entry({ name: configName }, config);
  for (const diffId of new Set(diffIds.slice(from))) {
    const entry = tar.entry({ name: layerName(diffId), size: await folder.bytes(diffId) });
    await pipeline(folder.read(diffId), entry);
  }
  const manifest = [{ Config: configName, RepoTags: [withTag(tag)], Layers: diffIds.map(layerName) }];
  tar.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  tar.finalize();
}
