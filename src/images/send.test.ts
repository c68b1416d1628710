import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { extract, pack } from 'tar-stream';
import { type Docker, DockerError, type HostLink } from '../hosts/index.ts';
import { packArchive } from './archive.ts';
import { HostBook } from './host-book.ts';
import { prepareJob } from './job.ts';
import { sendJob } from './send.ts';
import { Spool } from './spool.ts';
import { LayerFolder } from './staging/folder.ts';
import { loadLayers } from './staging/load.ts';
import type { ImageContext } from './wish.ts';

const digestOf = (content: Buffer | string) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

/** The JSON of a tar's `manifest.json`. */
async function manifestOf(tar: Readable): Promise<readonly { readonly RepoTags: readonly string[] }[]> {
  const files = tar.pipe(extract() as unknown as NodeJS.ReadWriteStream) as unknown as ReturnType<
    typeof extract
  >;
  let manifest = '';
  for await (const entry of files) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as unknown as Readable) chunks.push(chunk);
    if (entry.header.name === 'manifest.json') manifest = Buffer.concat(chunks).toString();
  }
  return JSON.parse(manifest);
}

const names = [
  ['myapp', 'myapp:latest'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['localhost:5000/app:2', 'localhost:5000/app:2'],
] as const;

test('what is loaded gets a name with a tag, from this machine and on the host', async () => {
  const root = await mkdtemp(join(tmpdir(), 'seawall-test-'));
  try {
    const config = Buffer.from('{}');
    for (const [reference, name] of names) {
      const archive = { file: '', imageId: digestOf(config), config, layers: [] };
      assert.deepEqual((await manifestOf(packArchive(archive, 0, reference)))[0]?.RepoTags, [name]);
      const order = {
        kind: 'load',
        project: 'p',
        tag: reference,
        diffIds: [],
        from: 0,
        clears: true,
      } as const;
      let loaded: readonly { readonly RepoTags: readonly string[] }[] = [];
      await loadLayers({ ...order, config: config.toString('base64') }, new LayerFolder('p', root), {
        loadImages: async (tar) => {
          loaded = await manifestOf(tar);
          return [];
        },
      });
      assert.deepEqual(loaded[0]?.RepoTags, [name]);
    }
  } finally {
    await rm(root, { recursive: true });
  }
});

const layer = Buffer.from('layer');
const layers = [digestOf(layer)];
const created = '2026-01-01T00:00:00Z';

/** A file as `docker save` writes it, and its image. */
async function savedImage(folder: string, config: object) {
  const text = JSON.stringify({ created, config, rootfs: { type: 'layers', diff_ids: layers } });
  const tar = pack();
  tar.entry({ name: 'c.json' }, text);
  tar.entry({ name: 'l.tar' }, layer);
  tar.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: 'c.json', Layers: ['l.tar'] }]));
  tar.finalize();
  const bytes = await Readable.from(tar).toArray();
  await writeFile(join(folder, 'saved.tar'), Buffer.concat(bytes));
  const image = {
    Id: digestOf(text),
    Created: created,
    RootFS: { Layers: layers },
    Config: config,
    Size: 5,
  };
  return { image, saveImages: async () => Readable.from(bytes) };
}

for (const source of ['operator', 'host'] as const) {
  test(`a build that changed only an OnBuild is sent, though layers, time and the rest are the same (${source})`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'seawall-test-'));
    try {
      const { image, saveImages } = await savedImage(folder, { Cmd: ['x'], OnBuild: ['RUN y'] });
      const old = { ...image, Id: digestOf('old'), Config: { Cmd: ['x'] } };
      const classic = { info: async () => ({ DriverStatus: [] }) };
      const from = { ...classic, socketPath: 'a', inspectImage: async () => image, saveImages };
      const calls: string[] = [];
      let now: object = old;
      const host = {
        ...classic,
        socketPath: 'b',
        listImages: async () => [{ Id: old.Id }],
        inspectImage: async (reference: string) => {
          if (reference === image.Id) throw new DockerError(404, 'No such image');
          return now;
        },
        tagImage: async (id: string) => void calls.push(`tag ${id}`),
        loadImages: async (tar: Readable) => {
          for await (const _ of tar);
          calls.push('load');
          now = image;
          return [];
        },
      };
      const link = { name: 'app1', docker: host } as unknown as HostLink;
      const context: ImageContext = { project: 'p', links: new Map(), dockerConfig: {}, report: () => {} };
      const tools = { context, book: new HostBook('p', undefined), spool: new Spool(folder) };
      const wish = {
        service: 'web',
        reference: 'seawall/p-web:new',
        pull: 'build',
        hosts: ['app1'],
      } as const;
      const docker = from as unknown as Docker;
      const holder = { name: 'build', docker } as HostLink;
      const place = source === 'host' ? { host: holder } : { operator: docker };
      await sendJob(await prepareJob(wish, place, [link], tools), tools);
      assert.deepEqual(calls, ['load']);
      const { images } = await tools.book.inventory(link);
      assert.deepEqual(images.at(-1)?.configDigest, image.Id);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test('what came to a classic store is known by the id that it has there', async () => {
  const docker = { info: async () => ({ DriverStatus: [] }), listImages: async () => [] };
  const link = { name: 'app1', docker } as unknown as HostLink;
  const book = new HostBook('p', undefined);
  await book.arrived(link, { id: 'sha256:1', diffIds: layers, created, config: '{}' });
  assert.equal((await book.inventory(link)).images[0]?.configDigest, 'sha256:1');
});
