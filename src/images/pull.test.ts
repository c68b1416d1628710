import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DockerError, type HostLink } from '../hosts/index.ts';
import { ensureImages } from './ensure.ts';
import { tryPull } from './pull.ts';
import { Spool } from './spool.ts';
import type { ImageContext, ImageWish } from './wish.ts';

const context: ImageContext = { project: 'p', links: new Map(), dockerConfig: {}, report: () => {} };

function wishOf(reference: string, parts: Partial<ImageWish> = {}): ImageWish {
  return { service: 'web', reference, pull: 'missing', hosts: ['app1'], ...parts };
}

/** A host whose pulls fail with this message. */
function hostWith(failure: string, docker: object = {}) {
  const pulled: string[] = [];
  const pullImage = async (reference: string) => {
    pulled.push(reference);
    throw new DockerError(500, failure);
  };
  return { link: { name: 'app1', docker: { pullImage, ...docker } } as unknown as HostLink, pulled };
}

const unreached = [
  'Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 127.0.0.53:53: server misbehaving',
  'Get "https://ghcr.io/v2/": dial tcp 140.82.121.33:443: connect: network is unreachable',
  'Get "https://ghcr.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
  'Get "https://ghcr.io/v2/": net/http: TLS handshake timeout',
  'failed to do request: Head "https://ghcr.io/v2/a/b": context deadline exceeded',
];

for (const message of unreached) {
  test(`a registry that was not reached is not asked again: ${message.slice(-30)}`, async () => {
    const { link, pulled } = hostWith(message);
    const tools = { spool: new Spool('/nowhere'), context };
    for (const reference of ['ghcr.io/a/b:1', 'ghcr.io/c/d:1']) {
      const failure = await tryPull(link, wishOf(reference), tools);
      assert.equal(failure?.message, message);
    }
    assert.deepEqual(pulled, ['ghcr.io/a/b:1']);
  });
}

test('a registry that refuses one image is asked for the others', async () => {
  const { link, pulled } = hostWith(
    'Head "https://ghcr.io/v2/acme/unreachable/manifests/1": unauthorized: authentication required',
  );
  const tools = { spool: new Spool('/nowhere'), context };
  for (const reference of ['ghcr.io/acme/unreachable:1', 'ghcr.io/c/d:1'])
    await tryPull(link, wishOf(reference), tools);
  assert.deepEqual(pulled, ['ghcr.io/acme/unreachable:1', 'ghcr.io/c/d:1']);
});

const digest = `nginx@sha256:${'a'.repeat(64)}`;

/** An engine that has the image, or says that it has none. */
const inspectImage = (image?: object) => async () => {
  if (image !== undefined) return image;
  throw new DockerError(404, 'No such image');
};

for (const pull of ['missing', 'never'] as const) {
  test(`an image that is named by digest is not sent but refused in words (pull: ${pull})`, async () => {
    const { link } = hostWith('unauthorized', { inspectImage: inspectImage() });
    const operator = { inspectImage: inspectImage({ Id: 'sha256:1' }) } as unknown as HostLink['docker'];
    const ready = ensureImages([wishOf(digest, { pull })], {
      ...context,
      operator,
      links: new Map([['app1', link]]),
    });
    await assert.rejects(ready, (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, 'refused');
      assert.match(error.message, /named by digest.*app1/);
      assert.match(error.hint ?? '', /app1 must pull it itself.*name the image by tag/);
      return true;
    });
  });
}

test('an image that is named by digest is not pulled again, and two stores may hold it under two ids', async () => {
  const image = (id: string) => ({ Id: id, RootFS: { Type: 'layers', Layers: [id] }, Config: {} });
  const hosts = ['app1', 'app2'].map((name) => {
    const docker = { inspectImage: inspectImage(image(name)), info: async () => ({ DriverStatus: [] }) };
    const { link, pulled } = hostWith('unauthorized', docker);
    return { link: { ...link, name }, pulled };
  });
  const links = new Map(hosts.map(({ link }) => [link.name, link]));
  const wish = wishOf(digest, { pull: 'always', hosts: ['app1', 'app2'] });
  const ready = await ensureImages([wish], { ...context, links });
  assert.deepEqual(ready.web?.hostIds, { app1: 'app1', app2: 'app2' });
  assert.deepEqual(
    hosts.flatMap(({ pulled }) => pulled),
    [],
  );
});
