import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findHost } from '../../../lab/hosts.ts';
import {
  ask,
  deployShop,
  expectCode,
  lab,
  onHost,
  type ProjectFolder,
  projectFolder,
  underLoad,
  until,
  versionsServed,
} from './stage.ts';

/** A project with host1 and host2 as edges. */
function twoEdges(project: ProjectFolder, settings: object = {}): ProjectFolder {
  const file = join(project.folder, 'edges.yml');
  writeFileSync(file, JSON.stringify({ hosts: { host2: { roles: ['app', 'edge'] } }, ...settings }));
  return { ...project, files: [...project.files, file] };
}

const shop = twoEdges(projectFolder('shop'), { edge: { keepalive_timeout: '70s' } });
const second = findHost(lab, 'host2').address;

/** How long the edge of a host keeps an idle connection. */
async function keptFor(host: string): Promise<string | undefined> {
  const { stdout } = await onHost(host, ['cat', '/var/lib/seawall/edge/current/nginx.conf']);
  return /^ {2}keepalive_timeout (\w+);/m.exec(stdout)?.[1];
}

test('two edges serve the same routes, and a deploy under load on the second loses nothing', async (t) => {
  await deployShop(shop, { VERSION: 'e1' });
  assert.deepEqual(await versionsServed(), ['e1']);
  await until(
    'the second edge serves',
    20,
    async () => (await ask('/', 'shop.example', second)).status === 200,
  );
  const report = await underLoad({ url: `http://${second}`, versions: ['e1', 'e2'] }, async () => {
    await deployShop(shop, { VERSION: 'e2' });
  });
  t.diagnostic(`deploy under load on the second edge: ${report.requests} requests, ${report.failed} failed`);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
  assert.ok(report.requests > 1000);
});

test('two projects with the same service names on the same hosts never meet', async () => {
  const other = twoEdges(projectFolder('shop', 'other'));
  const compose = join(other.folder, 'compose.yaml');
  writeFileSync(compose, readFileSync(compose, 'utf8').replace('name: shop', 'name: other'));
  writeFileSync(
    join(other.folder, 'seawall.yml'),
    'routes:\n  other.example: { service: web, port: 8000, tls: off }\n',
  );
  await deployShop(other, { VERSION: 'o1' });
  try {
    // The other one says nothing of the edges: they stay as the shop set them.
    assert.deepEqual([await keptFor('host1'), await keptFor('host2')], ['70000ms', '70000ms']);
    // Nor does it take what the shop serves, whose name comes after its own.
    writeFileSync(
      join(other.folder, 'seawall.yml'),
      'routes:\n  Shop.Example: { service: web, port: 8000, tls: off }\n',
    );
    const { stdout, stderr } = await expectCode(2, other, ['deploy', '--yes'], { env: { VERSION: 'o1' } });
    assert.match(stdout + stderr, /routes\.shop\.example\/: is served by project shop already/);
    for (let count = 0; count < 10; count++) {
      const mine = JSON.parse((await ask('/api', 'other.example')).body) as {
        version: string;
        api: { version: string };
      };
      assert.deepEqual([mine.version, mine.api.version], ['o1', 'o1']);
      const theirs = JSON.parse((await ask('/api')).body) as { version: string; api: { version: string } };
      assert.deepEqual([theirs.version, theirs.api.version], ['e2', 'e2']);
    }
  } finally {
    await expectCode(0, other, ['down', '--yes', '--volumes']);
  }
  assert.deepEqual(await versionsServed(), ['e2']);
  await until('its route is gone', 10, async () => {
    const cut = await ask('/', 'other.example').then(
      () => false,
      () => true,
    );
    return cut;
  });
});

test('a host that loses the role edge no longer listens', async () => {
  await deployShop(projectFolder('shop'), { VERSION: 'v1' });
  await assert.rejects(ask('/', 'shop.example', second), { code: 'ECONNREFUSED' });
  assert.deepEqual(await versionsServed(), ['v1']);
  assert.equal(await keptFor('host1'), '65000ms', 'what the shop set and leaves out is the default again');
});
