import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { edgeModel } from '../../src/edge/model.ts';
import { renderNginx } from '../../src/edge/render.ts';
import { upstreamName } from '../../src/edge/upstream-name.ts';
import { Docker } from '../../src/hosts/index.ts';
import { nginxGoldens, sampleFiles, sampleRoute, sampleSettings } from '../edge-samples.ts';
import { makeRoot } from '../test-certificates.ts';
import { edgeImage, until } from './edge-nginx.ts';

const docker = new Docker('/var/run/docker.sock');
const container = `seawall-edge-text-test-${process.pid}`;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seawall-edge-text-'));
  await chmod(folder, 0o755);
  await Promise.all([mkdir(join(folder, 'logs')), mkdir(join(folder, 'temp'))]);
  await makeSampleFiles();
  await docker.createContainer(container, {
    Image: edgeImage,
    Entrypoint: ['sleep', '600'],
    HostConfig: { Binds: [`${folder}:/var/lib/seawall/edge`], AutoRemove: true },
  });
  await docker.startContainer(container);
  await until(
    'the container runs',
    async () => (await docker.inspectContainer(container)).State.Status === 'running',
  );
});

after(async () => {
  await docker.removeContainer(container, { force: true }).catch(() => undefined);
  docker.close();
  await rm(folder, { recursive: true, force: true });
});

/** Real certificates of both kinds where the samples name some. */
async function makeSampleFiles(): Promise<void> {
  const certs = join(folder, 'certs', 'polls.example.com');
  await mkdir(certs, { recursive: true });
  await mkdir(join(folder, 'trust'));
  const names = ['polls.example.com'];
  const root = await makeRoot();
  for (const type of ['ecdsa', 'rsa'] as const) {
    const { chain, key } = await root.issue(names, { type });
    await writeFile(join(certs, `${sampleFiles[type]}.crt`), chain);
    await writeFile(join(certs, `${sampleFiles[type]}.key`), key);
  }
  await writeFile(join(folder, 'trust', sampleFiles.trust), root.certificate);
  await writeFile(join(folder, 'trust', sampleFiles.lists), await root.revoke([]));
  await writeFile(join(folder, 'quic-host.key'), randomBytes(80));
}

async function assertAccepted(text: string): Promise<void> {
  await writeFile(join(folder, 'nginx.conf'), text);
  const argv = ['nginx', '-t', '-q', '-c', '/var/lib/seawall/edge/nginx.conf'];
  const { exitCode, stderr } = await docker.exec(container, argv);
  assert.equal(exitCode, 0, stderr);
}

for (const [name, render] of Object.entries(nginxGoldens)) {
  test(`the real nginx accepts test/golden/nginx/${name}.conf`, () => assertAccepted(render()));
}

test('the real nginx accepts a service with many replicas', () => {
  const addresses = Array.from({ length: 70 }, (_, at) => `10.208.17.${at + 2}:8000`);
  const inForce = new Map([[upstreamName(sampleRoute()), addresses]]);
  return assertAccepted(renderNginx(edgeModel([sampleRoute()], inForce, sampleSettings).model));
});

test('the real nginx accepts whatever hostile routes are not left out', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string({ unit: fc.constantFrom(...'"\';{}$#\n /.~*aÄ%-_0:@!&()=+,'), maxLength: 12 }),
  );
  const routes = fc
    .sample(
      fc.record({
        domain: fc.oneof(text, fc.domain(), fc.constant(`${'long-label.'.repeat(20)}test`)),
        path: fc.oneof(
          fc.constant('/'),
          text.map((part) => `/${part}`),
          fc.webPath(),
        ),
        catalogService: fc.oneof(fc.constant('web'), text),
        bodyLimitBytes: fc.nat({ max: 2 ** 53 - 1 }),
        readTimeoutMs: fc.nat({ max: 2 ** 31 - 1 }),
      }),
      { numRuns: 2_000, seed: 7 },
    )
    .map((change) => sampleRoute(change));
  const inForce = new Map(routes.map((route) => [upstreamName(route), ['10.208.17.2:8000']]));
  const { model, problems } = edgeModel(routes, inForce, sampleSettings);
  const kept = model.servers.reduce((sum, server) => sum + server.routes.length, 0);
  assert.equal(kept + problems.length, routes.length);
  assert.ok(kept > 100, `${kept} routes kept`);
  await assertAccepted(renderNginx(model));
});
