import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { makeCatalogCertificate } from '../catalog/index.ts';
import { CATALOG_TLS_NAME } from '../cluster.ts';
import { buildCommand, buildKitKeys } from './build-command.ts';
import { configText } from './image-config.ts';
import { identityOf, imageStore, isSameImage, knownLayers, missingLayers } from './inventory.ts';
import { registryAuth, registryOf } from './registry-auth.ts';
import { shortage, spaceNeeded } from './space.ts';
import { exportLayers } from './staging/export.ts';
import { fetchLayers } from './staging/fetch.ts';
import { LayerFolder } from './staging/folder.ts';
import { serveLayers } from './staging/serve.ts';
import { indexTar, readBytes } from './tar-index.ts';
import { normalPlatform } from './wish.ts';

test('only layers above the longest shared beginning are missing', () => {
  const images = [{ diffIds: ['a', 'b', 'x'] }, { diffIds: ['a'] }, { diffIds: ['b', 'c'] }];
  assert.equal(knownLayers(['a', 'b', 'c'], images), 2);
  assert.deepEqual(missingLayers(['a', 'b', 'c'], images), ['c']);
  // The same layer on other layers is another one for Docker.
  assert.deepEqual(missingLayers(['c', 'b'], images), ['c', 'b']);
});

test('the same image is known across both stores, another one with the same layers is not', () => {
  const layers = { diffIds: ['a'], created: '2026-01-01T00:00:00Z', config: '{}' };
  assert.ok(isSameImage({ id: 'sha256:config', ...layers }, { id: 'sha256:manifest', ...layers }));
  const rebuilt = { ...layers, id: 'sha256:other', created: '2026-02-01T00:00:00Z' };
  assert.ok(!isSameImage({ id: 'sha256:config', ...layers }, rebuilt));
  const changed = { ...layers, id: 'sha256:other', config: configText({ Env: ['A=2'] }) };
  assert.ok(!isSameImage({ id: 'sha256:config', ...layers }, changed));
  assert.equal(imageStore({ DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']] }), 'containerd');
  assert.equal(imageStore({ DriverStatus: [['Backing Filesystem', 'extfs']] }), 'classic');
});

test('between two classic stores only the id counts', () => {
  const info = { Created: '2026-01-01T00:00:00Z', RootFS: { Type: 'layers', Layers: ['a'] }, Config: {} };
  const [one, other] = [
    { ...info, Id: 'sha256:1' },
    { ...info, Id: 'sha256:2' },
  ];
  assert.ok(!isSameImage(identityOf(one, 'classic'), identityOf(other, 'classic')));
  assert.ok(isSameImage(identityOf(one, 'classic'), identityOf(other, 'containerd')));
  assert.ok(isSameImage(identityOf(one, 'classic'), identityOf(one)));
});

const healthcheck = { Test: ['CMD', 'x'], Interval: 5e9, Retries: 3 };
const full = {
  Cmd: ['a'],
  Entrypoint: ['b'],
  Env: ['A=1', 'B=2'],
  ExposedPorts: { '80/tcp': {}, '53/udp': {} },
  Healthcheck: healthcheck,
  Labels: { x: '', y: 'z' },
  Shell: ['/bin/sh', '-ec'],
  StopSignal: 'SIGQUIT',
  User: '5',
  Volumes: { '/data': {} },
  WorkingDir: '/w',
};

test('a configuration reads the same whichever engine tells it', () => {
  const turned = Object.fromEntries(Object.entries(full).reverse());
  const old = { ...turned, Hostname: '', Tty: false, OnBuild: null, Image: 'sha256:1' };
  const wordy = { ...full, Healthcheck: { StartInterval: 1e9, StartPeriod: 0, ...healthcheck } };
  for (const each of [old, wordy, { ...full, Labels: { y: 'z', x: '' } }])
    assert.equal(configText(each), configText(full));
  const empty = { Cmd: null, Env: [], Labels: {}, User: '', Healthcheck: null, ExposedPorts: null };
  for (const each of [undefined, null, {}, empty, { Healthcheck: { Interval: 0 } }])
    assert.equal(configText(each), '{}');
});

test('each field that containers run by makes another configuration', () => {
  const changes = {
    ...{ Cmd: ['c'], Entrypoint: [], Env: ['B=2', 'A=1'], ExposedPorts: { '80/tcp': {} } },
    ...{ Healthcheck: { ...healthcheck, Retries: 4 }, Labels: { y: 'z' }, Shell: null, StopSignal: '' },
    ...{ User: '6', Volumes: {}, WorkingDir: '/' },
  };
  assert.deepEqual(Object.keys(changes).sort(), Object.keys(full).sort());
  for (const [name, value] of Object.entries(changes))
    assert.notEqual(configText({ ...full, [name]: value }), configText(full), name);
});

test('a layer that was cut goes on at its last byte, and other bytes than promised leave nothing', async () => {
  const root = await mkdtemp(join(tmpdir(), 'seawall-test-'));
  try {
    const folder = new LayerFolder('shop', root);
    const content = randomBytes(3_000_000);
    const diffId = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const cut = (async function* () {
      yield content.subarray(0, 1_000_000);
      throw new Error('cut');
    })();
    await assert.rejects(folder.add(diffId, 0, cut), /cut/);
    assert.deepEqual(await folder.list(), { [diffId]: 999_999 });
    assert.equal(await folder.isWhole(diffId), false);
    const never = (async function* (): AsyncGenerator<Buffer> {
      yield* [];
      throw new Error('away');
    })();
    await assert.rejects(folder.add(`sha256:${'1'.repeat(64)}`, 0, never), /away/);
    assert.deepEqual(Object.keys(await folder.list()), [diffId], 'what never began leaves nothing');
    const rest = (async function* () {
      yield content.subarray(1_000_000);
    })();
    await folder.add(diffId, 1_000_000, rest);
    assert.ok(await folder.isWhole(diffId));
    const other = `sha256:${'0'.repeat(64)}`;
    const wrong = (async function* () {
      yield content;
    })();
    await assert.rejects(folder.add(other, 0, wrong), { code: 'docker' });
    assert.deepEqual(Object.keys(await folder.list()), [diffId]);
    for (const name of ['../x', '', '-rf', 'a/b', '$(x)\n']) assert.throws(() => new LayerFolder(name, root));
    assert.throws(() => folder.file('sha256:../../etc/passwd'));
  } finally {
    await rm(root, { recursive: true });
  }
});

test('wanted layers are found in what Docker saves, named by digest or not, packed or not', async () => {
  const root = await mkdtemp(join(tmpdir(), 'seawall-test-'));
  try {
    const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex');
    // A tar begins with the name of its first file, whatever that begins with.
    const layer = (name: string, bytes: number) =>
      Buffer.concat([Buffer.from(name), randomBytes(bytes - Buffer.byteLength(name))]);
    const layers = [layer('usr/', 300_000), layer('{{cookiecutter.name}}/', 70_000), layer('app', 9)];
    const diffIds = layers.map((layer) => `sha256:${digest(layer)}`);
    const config = Buffer.from(JSON.stringify({ rootfs: { diff_ids: diffIds } }));
    const layouts = [
      layers.map((layer, index) => [`${index}/layer.tar`, layer] as const),
      layers.map((layer) => [`blobs/sha256/${digest(layer)}`, layer] as const),
      layers.map((layer) => [`blobs/sha256/${digest(gzipSync(layer))}`, gzipSync(layer)] as const),
    ];
    for (const [number, layout] of layouts.entries()) {
      const configName = number === 0 ? `${digest(config)}.json` : `blobs/sha256/${digest(config)}`;
      const manifest = [{ Config: configName, RepoTags: null, Layers: layout.map(([name]) => name) }];
      const tar = pack();
      for (const [name, content] of layout) tar.entry({ name }, content);
      tar.entry({ name: configName }, config);
      tar.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
      tar.finalize();
      const folder = new LayerFolder(`layout${number}`, root);
      const wanted = diffIds.slice(1);
      const order = { kind: 'export', project: 'p', reference: 'x', diffIds: wanted } as const;
      const exported = await exportLayers(order, folder, {
        saveImages: async () => tar as unknown as Readable,
      });
      assert.deepEqual(Buffer.from(exported.config, 'base64'), config);
      assert.deepEqual(exported.layers, [
        { diffId: diffIds[1], bytes: 70_000 },
        { diffId: diffIds[2], bytes: 9 },
      ]);
      assert.deepEqual(Object.keys(await folder.list()).sort(), wanted.sort());
    }
  } finally {
    await rm(root, { recursive: true });
  }
});

test('layers are given to who has the certificate and the token, and only those that were named', async () => {
  const root = await mkdtemp(join(tmpdir(), 'seawall-test-'));
  const input = new PassThrough();
  try {
    const [from, to] = [new LayerFolder('a', root), new LayerFolder('b', root)];
    const layers: { readonly diffId: string; readonly bytes: number }[] = [];
    for (const bytes of [2_000_000, 5, 0]) {
      const content = randomBytes(bytes);
      const diffId = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      await from.add(diffId, 0, Readable.from([content]));
      layers.push({ diffId, bytes });
    }
    const { certificate, privateKey, token } = await makeCatalogCertificate();
    const diffIds = layers.slice(0, 2).map(({ diffId }) => diffId);
    const place = { project: 'a', address: '127.0.0.1', ports: { first: 4790, last: 4799 } };
    const listening = Promise.withResolvers<number>();
    const order = { kind: 'serve', ...place, diffIds, certificate, privateKey, token } as const;
    const serving = serveLayers(order, from, input, listening.resolve);
    const port = await listening.promise;
    const fetch = {
      kind: 'fetch',
      project: 'b',
      address: '127.0.0.1',
      port,
      tlsName: CATALOG_TLS_NAME,
    } as const;
    const get = (parts: object) =>
      fetchLayers({ ...fetch, certificate, token, layers: layers.slice(0, 2), ...parts }, to, () => {});
    await assert.rejects(get({ token: 'x' }), { code: 'unreachable' });
    await assert.rejects(get({ certificate: (await makeCatalogCertificate()).certificate }), /self-signed/);
    await assert.rejects(get({ layers: layers.slice(2) }), { code: 'unreachable' });
    // The beginning of the first one came before.
    const [first] = layers;
    assert.ok(first);
    const part = Readable.from([
      await readFile(from.file(first.diffId)).then((all) => all.subarray(0, 500_000)),
    ]);
    await assert.rejects(
      to.add(
        first.diffId,
        0,
        (async function* () {
          yield* part;
          throw new Error('cut');
        })(),
      ),
    );
    assert.equal(await get({}), 1_500_005);
    assert.equal(await get({}), 0);
    input.end();
    await serving;
    await assert.rejects(get({ layers: [{ diffId: `sha256:${'1'.repeat(64)}`, bytes: 1 }] }), /ECONNREFUSED/);
  } finally {
    input.destroy();
    await rm(root, { recursive: true });
  }
});

const names = fc.array(fc.stringMatching(/^[a-zé/]{1,160}$/), { minLength: 1, maxLength: 6 });

test('files are found in a tar by place, also under long and foreign names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-test-'));
  try {
    await fc.assert(
      fc.asyncProperty(names, async (paths) => {
        const tar = pack();
        for (const [index, path] of paths.entries())
          tar.entry({ name: path, type: 'file' }, `${index}:${path}`);
        tar.finalize();
        const chunks: Uint8Array[] = [];
        for await (const chunk of tar) chunks.push(chunk as Uint8Array);
        await writeFile(join(folder, 'x.tar'), Buffer.concat(chunks));
        const file = await open(join(folder, 'x.tar'));
        const found: string[] = [];
        for (const entry of await indexTar(file)) {
          const content = await readBytes(file, entry.offset, entry.bytes);
          found.push(`${entry.name} ${content}`);
        }
        await file.close();
        assert.deepEqual(
          found,
          paths.map((path, index) => `${path} ${index}:${path}`),
        );
      }),
      { numRuns: 30 },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

const build = {
  context: '/p',
  dockerfile: 'Dockerfile',
  args: { TOKEN: 's3cret', PATH: '/bin' },
  labels: {},
  extraHosts: [],
  cacheFrom: [],
  noCache: false,
  pull: false,
  platforms: [],
  tags: [],
  sourceHash: '',
};

test('build arguments stay out of the process list unless docker itself would read them', () => {
  const { args, env } = buildCommand(build, {
    tags: ['a:b'],
    labels: { x: 'y' },
    idFile: '/i',
    hasBuildx: false,
  });
  assert.ok(!args.join(' ').includes('s3cret'));
  assert.equal(env.TOKEN, 's3cret');
  assert.ok(args.includes('--build-arg=PATH=/bin'));
  assert.equal(env.DOCKER_BUILDKIT, '0');
  assert.deepEqual(args.slice(-2), ['--', '/p']);
  assert.ok(args.includes('--file=/p/Dockerfile'));
});

test('secrets of a build are named, never written, in the command, whatever they are called', () => {
  const secrets = [
    { id: 'token', text: '; rm $(x)' },
    { id: 'a,b"c', source: '/p/--key' },
  ];
  const more = {
    contexts: { lib: '/lib' },
    ssh: ['default'],
    ulimits: ['nofile=1:2'],
    cacheTo: ['type=inline'],
  };
  const options = { tags: [], labels: {}, idFile: '/i', hasBuildx: true };
  const { args, env } = buildCommand({ ...build, ...more, secrets }, options);
  assert.ok(args.includes('--secret=id=token,env=SEAWALL_BUILD_SECRET_0'));
  assert.equal(env.SEAWALL_BUILD_SECRET_0, '; rm $(x)');
  assert.ok(args.includes('--secret="id=a,b""c",src=/p/--key'));
  for (const arg of [
    '--build-context=lib=/lib',
    '--ssh=default',
    '--ulimit=nofile=1:2',
    '--cache-to=type=inline',
  ])
    assert.ok(args.includes(arg), arg);
  assert.deepEqual(buildKitKeys({ ...build, ...more, secrets }), [
    'additional_contexts',
    'secrets',
    'ssh',
    'cache_to',
  ]);
  assert.deepEqual(
    buildKitKeys({ ...build, ulimits: ['nofile=1:2'] }),
    [],
    'the classic builder has limits too',
  );
});

test('an inline Dockerfile is read from the input', () => {
  const inline = { ...build, dockerfileInline: 'FROM x' };
  const command = buildCommand(inline, { tags: [], labels: {}, idFile: '/i', hasBuildx: true });
  assert.equal(command.stdin, 'FROM x');
  assert.ok(command.args.includes('--file=-') && command.args.includes('--load'));
});

test('credentials are those of the registry that the reference names', async () => {
  assert.equal(registryOf('nginx'), 'docker.io');
  assert.equal(registryOf('bitnami/redis:7'), 'docker.io');
  assert.equal(registryOf('ghcr.io/a/b'), 'ghcr.io');
  assert.equal(registryOf('localhost:5000/a'), 'localhost:5000');
  const auth = (user: string) => ({ auth: Buffer.from(`${user}:pass:word`).toString('base64') });
  const config = { auths: { 'https://index.docker.io/v1/': auth('hub'), 'ghcr.io': auth('gh') } };
  const decode = async (reference: string) => {
    const header = await registryAuth(reference, config);
    return header === undefined ? undefined : JSON.parse(Buffer.from(header, 'base64url').toString());
  };
  assert.deepEqual(await decode('nginx:1'), {
    username: 'hub',
    password: 'pass:word',
    serveraddress: 'https://index.docker.io/v1/',
  });
  assert.equal((await decode('ghcr.io/a/b')).username, 'gh');
  assert.equal(await decode('quay.io/a/b'), undefined);
});

test('platforms are compared by what they mean', () => {
  assert.equal(normalPlatform('linux/x86_64'), 'linux/amd64');
  assert.equal(normalPlatform('linux/arm64/v8'), 'linux/arm64');
  assert.notEqual(normalPlatform('linux/arm/v6'), normalPlatform('linux/arm/v7'));
});

test('room is needed for what stays, for the copy while it loads, and for what waits', () => {
  const layers = [
    { diffId: 'a', bytes: 400 },
    { diffId: 'b', bytes: 10 },
  ];
  const near = { layers, known: 1, store: 'classic' as const };
  assert.deepEqual(spaceNeeded([near]), { storeBytes: 20, stagingBytes: 10 });
  // Four services of one image are one image.
  assert.deepEqual(spaceNeeded([near, near, near, near]), { storeBytes: 20, stagingBytes: 10 });
  assert.deepEqual(spaceNeeded([near], { b: 4 }), { storeBytes: 20, stagingBytes: 6 });
  assert.equal(spaceNeeded([{ ...near, store: 'containerd' }]).stagingBytes, 410);
  const room = (freeBytes: number, totalBytes = 1e12) => ({ freeBytes, totalBytes });
  const need = { storeBytes: 300e6, stagingBytes: 100e6 };
  assert.equal(shortage(need, { store: room(500e6), staging: room(500e6) }), undefined);
  assert.ok(shortage(need, { store: room(400e6), staging: room(400e6) }), 'one disk has to hold both');
  assert.equal(shortage(need, { store: room(400e6), staging: room(170e6, 2e12) }), undefined);
  assert.ok(shortage(need, { store: room(400e6), staging: room(150e6, 2e12) }));
});
