import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import { connectHost, Docker, type HostLink, isNotFound } from '../../src/hosts/index.ts';
import { packArchive, spoolImage } from '../../src/images/archive.ts';
import {
  buildImages,
  ensureImages,
  type ImageContext,
  type ImageWish,
  keepImages,
  keptName,
  pruneImages,
} from '../../src/images/index.ts';
import { sendImage } from '../../src/images/transfer.ts';
import type { Progress } from '../../src/progress.ts';
import { labOf, linksTo } from './lab-links.ts';

let lab: Lab;
let links: readonly HostLink[];
let folder: string;
let operator: Docker;
const run = Math.random().toString(36).slice(2, 10);
const made = new Set<string>();

before(async () => {
  lab = await labOf('images-e2e', 2);
  links = await linksTo(lab, ['host1', 'host2']);
  folder = await mkdtemp(join(tmpdir(), 'seawall-e2e-'));
  operator = new Docker('/var/run/docker.sock');
});

after(async () => {
  for (const name of made) await operator?.removeImage(name, { force: true }).catch(() => {});
  for (const link of links ?? []) link.close();
  operator?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
  if (lab) await takeDownLab(lab);
});

/** A wish for an image with one small layer per file. */
async function builtWish(
  service: string,
  files: readonly string[],
  parts: Partial<ImageWish> = {},
): Promise<ImageWish> {
  const context = await mkdtemp(join(folder, 'context-'));
  for (const file of files) await writeFile(join(context, file), `${file} of ${run}`.repeat(2000));
  await writeFile(
    join(context, 'Dockerfile'),
    ['FROM scratch', ...files.map((file) => `COPY ${file} /`), 'CMD ["/x"]'].join('\n'),
  );
  const reference = `seawall/e2e-${service}:${run}`;
  made.add(reference);
  const build = {
    context,
    dockerfile: 'Dockerfile',
    args: {},
    labels: {},
    extraHosts: [],
    cacheFrom: [],
    noCache: false,
    pull: false,
    platforms: [],
    tags: [],
    sourceHash: run,
    ...parts.build,
  };
  return { service, reference, pull: 'build', hosts: ['host1', 'host2'], ...parts, build };
}

function contextWith(lines: Progress[] = []): ImageContext {
  const byName = new Map(links.map((link) => [link.name, link]));
  return { project: 'e2e', operator, links: byName, dockerConfig: {}, report: (event) => lines.push(event) };
}

const sendsOf = (events: readonly Progress[]) =>
  events
    .flatMap((event) => (event.kind === 'begin' && event.title.startsWith('send') ? [event.host] : []))
    .sort();

test('a new version moves its own layers only, to old and new engines', async () => {
  const first = await builtWish('layers', ['a', 'b']);
  await ensureImages([first], contextWith());
  const second = await builtWish('layers2', ['a', 'b', 'c']);
  // The same first layers: the second image is built on the first one.
  await writeFile(join(second.build?.context ?? '', 'Dockerfile'), `FROM ${first.reference}\nCOPY c /\n`);
  await buildImages([second], contextWith());
  const archive = await spoolImage(operator, second.reference, join(folder, 'second.tar'));
  assert.equal(archive.layers.length, 3);
  for (const link of links) {
    const progress: number[] = [];
    const sent = await sendImage(archive, link, second.reference, {
      onProgress: (bytes) => progress.push(bytes),
    });
    assert.equal(sent.sentLayers, 1, link.name);
    assert.equal(sent.hostId, archive.imageId);
    assert.equal(progress.at(-1), sent.sentBytes);
    const again = await sendImage(archive, link, second.reference);
    assert.equal(again.sentLayers, 0);
  }
});

test('layers that were thought to be there and are not are sent after all', async () => {
  const wish = await builtWish('pruned', ['d', 'e']);
  await buildImages([wish], contextWith());
  const archive = await spoolImage(operator, wish.reference, join(folder, 'pruned.tar'));
  for (const link of links) {
    await assert.rejects(link.docker.loadImages(packArchive(archive, 1, wish.reference)), { code: 'docker' });
    const inventory = {
      store: 'classic' as const,
      images: [{ id: 'x', diffIds: [archive.layers[0]?.diffId ?? ''], created: '', config: '{}' }],
    };
    const sent = await sendImage(archive, link, wish.reference, { inventory });
    assert.equal(sent.sentLayers, 2, link.name);
  }
});

test('an image goes from an old engine to a new one and back, and stays the same', async () => {
  const wish = await builtWish('between', ['f']);
  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const [source, target] = [links[from], links[to]];
    assert.ok(source && target);
    await ensureImages([{ ...wish, hosts: [source.name] }], contextWith());
    const archive = await spoolImage(source.docker, wish.reference, join(folder, 'between.tar'));
    assert.equal((await sendImage(archive, target, wish.reference)).hostId, archive.imageId);
    await source.docker.removeImage(wish.reference);
  }
});

test('what is built reaches every host once, and a second time nothing moves', async () => {
  const wish = await builtWish('web', ['g']);
  const events: Progress[] = [];
  const ready = await ensureImages([wish, { ...wish, service: 'worker' }], contextWith(events));
  assert.deepEqual(sendsOf(events), ['host1', 'host2']);
  assert.equal(ready.worker?.id, ready.web?.id);
  assert.deepEqual(ready.web?.hostIds, { host1: ready.web?.id, host2: ready.web?.id });
  assert.deepEqual(ready.web?.config.Cmd, ['/x']);
  const again: Progress[] = [];
  await ensureImages([wish], contextWith(again));
  assert.deepEqual(again, []);
});

test('a host builds for the others', async () => {
  const plain = await builtWish('onhost', ['h']);
  assert.ok(plain.build);
  const wish = { ...plain, build: { ...plain.build, on: 'host2' } };
  const ready = await ensureImages([wish], contextWith());
  assert.equal(Object.keys(ready.onhost?.hostIds ?? {}).length, 2);
  await assert.rejects(operator.inspectImage(wish.reference), isNotFound);
});

test('a failing build shows its last lines', async () => {
  const wish = await builtWish('broken', ['i']);
  await writeFile(join(wish.build?.context ?? '', 'Dockerfile'), 'FROM scratch\nCOPY not-there /\n');
  await assert.rejects(ensureImages([wish], contextWith()), (error: Error) => {
    assert.match(error.message, /building the image of broken failed/);
    assert.match(String((error.cause as Error).message), /not-there/);
    return true;
  });
});

test('an image that a host cannot pull is sent with a notice, one that nobody has is an error', async () => {
  const built = await builtWish('third', ['j']);
  await buildImages([built], contextWith());
  const reference = `seawall-e2e.invalid/third:${run}`;
  made.add(reference);
  await operator.tagImage(built.reference, reference);
  const wish: ImageWish = { service: 'third', reference, pull: 'missing', hosts: ['host1', 'host2'] };
  const events: Progress[] = [];
  await ensureImages([wish], contextWith(events));
  const notices = events.flatMap((event) => (event.kind === 'line' ? [event.text] : []));
  assert.equal(notices.length, 2);
  assert.match(notices[0] ?? '', /could not pull/);
  const missing = { ...wish, reference: `seawall-e2e.invalid/none:${run}` };
  await assert.rejects(ensureImages([missing], contextWith()), {
    code: 'docker',
    message: /host host[12] cannot pull/,
  });
});

test('an image for other processors is refused before it is sent, with the remedy', async () => {
  const built = await builtWish('foreign', ['k']);
  await buildImages([built], contextWith());
  const archive = await spoolImage(operator, built.reference, join(folder, 'foreign.tar'));
  const config = JSON.parse(String(archive.config));
  const arch = config.architecture === 'arm64' ? 'amd64' : 'arm64';
  const other = { ...archive, config: Buffer.from(JSON.stringify({ ...config, architecture: arch })) };
  const reference = `seawall-e2e.invalid/foreign:${run}`;
  made.add(reference);
  await operator.loadImages(packArchive(other, 0, reference));
  const wish: ImageWish = { service: 'foreign', reference, pull: 'never', hosts: ['host1'] };
  const events: Progress[] = [];
  await assert.rejects(ensureImages([wish], contextWith(events)), { code: 'refused', hint: /platform/ });
  assert.deepEqual(sendsOf(events), []);
});

test("the operator's credentials go with the pull and only to their registry", async () => {
  const asked: (string | undefined)[] = [];
  const registry = createServer((request, response) => {
    asked.push(request.headers.authorization);
    const isKnown = request.headers.authorization !== undefined;
    response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
    response.writeHead(isKnown ? 404 : 401, isKnown ? {} : { 'WWW-Authenticate': 'Basic realm="test"' });
    response.end();
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const place = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
  const here = await connectHost({ name: 'here', address: '127.0.0.1', roles: ['app'], labels: {} });
  try {
    const auths = { [place]: { auth: Buffer.from('me:secret').toString('base64') } };
    const context = { ...contextWith(), links: new Map([['here', here]]), dockerConfig: { auths } };
    const wish: ImageWish = {
      service: 'private',
      reference: `${place}/a/b:1`,
      pull: 'missing',
      hosts: ['here'],
    };
    await assert.rejects(ensureImages([wish], context), { code: 'docker' });
    assert.ok(asked.includes(`Basic ${Buffer.from('me:secret').toString('base64')}`));
  } finally {
    here.close();
    registry.close();
  }
});

test('images of old releases go, those of kept ones and of containers stay', async () => {
  const [link] = links;
  assert.ok(link);
  const { docker } = link;
  const ids: string[] = [];
  for (const file of ['l', 'm', 'n', 'o']) {
    const wish = await builtWish(`keep-${file}`, [file], { hosts: ['host1'] });
    const ready = await ensureImages([wish], contextWith());
    const image = ready[wish.service];
    assert.ok(image);
    await keepImages(docker, 'e2e', [image]);
    ids.push(image.id);
  }
  const [oldest = '', used = '', failed = '', good = ''] = ids;
  const container = await docker.createContainer('keeper', { Image: used });
  const release = (number: number, status: 'good' | 'failed', id: string) => ({
    number,
    status,
    images: { web: id },
  });
  const releases = [
    release(1, 'good', oldest),
    release(2, 'good', used),
    release(3, 'failed', failed),
    release(4, 'good', good),
  ];
  const removed = await pruneImages(docker, { project: 'e2e', releases, keep: 1 });
  assert.ok(removed.includes(keptName('e2e', oldest)) && removed.includes(keptName('e2e', failed)));
  for (const id of [oldest, failed]) await assert.rejects(docker.inspectImage(id), isNotFound);
  for (const id of [used, good]) assert.equal((await docker.inspectImage(keptName('e2e', id))).Id, id);
  await docker.removeContainer(container);
});

test('an archive that is none is refused by the engine with its words', async () => {
  for (const { docker } of links) {
    await assert.rejects(docker.loadImages(Readable.from([Buffer.from('not a tar')])), { code: 'docker' });
  }
});
