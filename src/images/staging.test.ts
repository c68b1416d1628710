import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { makeCatalogCertificate } from '../catalog/index.ts';
import { CATALOG_TLS_NAME } from '../cluster.ts';
import { exportLayers } from './staging/export.ts';
import { fetchLayers } from './staging/fetch.ts';
import { LayerFolder } from './staging/folder.ts';

const diffIdOf = (content: Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

async function inFolder(use: (folder: LayerFolder, root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'seawall-test-'));
  try {
    await use(new LayerFolder('shop', root), root);
  } finally {
    await rm(root, { recursive: true });
  }
}

/** What `docker save` writes, in pieces of that many bytes. */
async function saved(files: readonly (readonly [string, Buffer])[], pieceBytes: number): Promise<Readable> {
  const tar = pack();
  for (const [name, content] of files) tar.entry({ name }, content);
  tar.entry({ name: 'c.json' }, '{"x":1}');
  tar.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: 'c.json' }]));
  tar.finalize();
  const all = Buffer.concat(await Readable.from(tar).toArray());
  return Readable.from(
    (async function* () {
      for (let at = 0; at < all.byteLength; at += pieceBytes) {
        yield all.subarray(at, at + pieceBytes);
        // As from a socket: whoever reads has its turn between two pieces.
        await setImmediate();
      }
    })(),
  );
}

const exportOrder = (diffIds: readonly string[]) =>
  ({ kind: 'export', project: 'shop', reference: 'x', diffIds }) as const;

test('packed layers behind the last one that is wanted are passed over', () =>
  inFolder(async (folder) => {
    const layers = [randomBytes(1000), randomBytes(400_000), randomBytes(400_000)];
    const diffIds = layers.map(diffIdOf);
    const files = layers.map((layer, index) => [`blobs/sha256/${index}`, gzipSync(layer)] as const);
    const tar = await saved(files, 8192);
    await exportLayers(exportOrder(diffIds.slice(0, 1)), folder, { saveImages: async () => tar });
    assert.deepEqual(await folder.list(), { [diffIds[0] ?? '']: 1000 });
  }));

for (const [name, compress] of [
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const) {
  test(`a layer is known as packed by ${name} however few bytes of it come first`, () =>
    inFolder(async (folder) => {
      const layer = randomBytes(5000);
      // Behind the first entry's header of 512 bytes.
      for (const few of [1, 2, 3]) {
        await folder.clear();
        const tar = await saved([['blobs/sha256/0', compress(layer)]], 512 + few);
        const { layers } = await exportLayers(exportOrder([diffIdOf(layer)]), folder, {
          saveImages: async () => tar,
        });
        assert.deepEqual(layers, [{ diffId: diffIdOf(layer), bytes: 5000 }]);
      }
    }));
}

test('a part that has all its bytes is not whole, and one beside a whole layer does not count', () =>
  inFolder(async (folder) => {
    const [content, other] = [randomBytes(1000), randomBytes(700)];
    const [diffId, whole] = [diffIdOf(content), diffIdOf(other)];
    await folder.add(whole, 0, Readable.from([other]));
    await writeFile(`${folder.file(whole)}.part`, other.subarray(0, 10));
    await writeFile(`${folder.file(diffId)}.part`, content);
    await writeFile(`${folder.file(`sha256:${'0'.repeat(64)}`)}.part`, '');
    const staged = await folder.list();
    assert.deepEqual(staged, { [whole]: 700, [diffId]: 999, [`sha256:${'0'.repeat(64)}`]: 0 });
    await folder.add(diffId, staged[diffId] ?? 0, Readable.from([content.subarray(999)]));
    assert.ok(await folder.isWhole(diffId));
  }));

test('the other host is asked only when its bytes are wanted', () =>
  inFolder(async (_folder, root) => {
    const content = randomBytes(1000);
    const { certificate, privateKey, token } = await makeCatalogCertificate();
    let asked = 0;
    const server = createServer({ cert: certificate, key: privateKey }, (_request, response) => {
      asked += 1;
      response.end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    class SlowFolder extends LayerFolder {
      override async add(...parts: Parameters<LayerFolder['add']>): Promise<void> {
        assert.equal(asked, 0);
        await super.add(...parts);
      }
    }
    try {
      const place = { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
      const layers = [{ diffId: diffIdOf(content), bytes: 1000 }];
      const order = { kind: 'fetch', project: 'b', tlsName: CATALOG_TLS_NAME, layers } as const;
      const folder = new SlowFolder('b', root);
      assert.equal(await fetchLayers({ ...order, ...place, certificate, token }, folder, () => {}), 1000);
      assert.equal(asked, 1);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }));

test('a layer is written whole where the disk takes a part of a piece first', (t) =>
  inFolder(async (folder, root) => {
    const content = randomBytes(5000);
    const probe = await open(join(root, 'probe'), 'w');
    const handles = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
    const { write } = handles;
    t.mock.method(handles, 'write', function (this: FileHandle, piece: Buffer, ...where: (number | null)[]) {
      const [start = 0, length = piece.byteLength, position = null] = where;
      return Reflect.apply(write, this, [piece, start, Math.min(length ?? 0, 700), position]);
    } as typeof write);
    await folder.add(diffIdOf(content), 0, Readable.from([content]));
    assert.deepEqual(await readFile(folder.file(diffIdOf(content))), content);
    const other = `sha256:${'1'.repeat(64)}`;
    const file = await folder.aside();
    for (const piece of [content.subarray(0, 3000), content.subarray(3000)]) await file.write(piece);
    await file.close(other);
    assert.deepEqual(await readFile(folder.file(other)), content);
  }));
