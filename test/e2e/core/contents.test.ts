import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ask, deployShop, expectCode, onHost, projectFolder } from './stage.ts';

const files = projectFolder('files');
after(() => expectCode(0, files, ['down', '--yes']));

test('files, configs and secrets of a project reach its replicas, and a changed file is a new release', async () => {
  await deployShop(files, {});
  assert.match((await ask('/', 'files.example')).body, /first/);
  const secret = await expectCode(0, files, ['exec', '-T', 'web', 'cat', '/run/secrets/token']);
  assert.equal(secret.stdout, 'a secret; with $(hostile) "text"\n');
  const extra = await expectCode(0, files, [
    'exec',
    '-T',
    'web',
    '--',
    'cat',
    '/etc/nginx/conf.d/extra.conf',
  ]);
  assert.match(extra.stdout, /listen 8081/);
  writeFileSync(join(files.folder, 'site/index.html'), '<h1>second</h1>\n');
  const plan = await expectCode(3, files, ['plan', '--exit-code']);
  assert.match(plan.stdout, /mounts\.\/usr\/share\/nginx\/html changed/);
  await deployShop(files, {});
  assert.match((await ask('/', 'files.example')).body, /second/);
});

test('a rollback brings the files of its release to a host that lacks them, from one that has them', async () => {
  const list = 'ls /var/lib/seawall/content | wc -l';
  const before = Number((await onHost('host2', [list])).stdout);
  const removeUnused = [
    "mounts=$(docker ps -q | xargs docker inspect --format '{{json .Mounts}}')",
    'for each in /var/lib/seawall/content/*; do echo "$mounts" | grep -q "$each" || rm -r "$each"; done',
  ].join('; ');
  assert.equal((await onHost('host2', [removeUnused])).code, 0);
  assert.ok(Number((await onHost('host2', [list])).stdout) < before);
  await expectCode(0, files, ['rollback', '--yes']);
  for (let count = 0; count < 6; count += 1) assert.match((await ask('/', 'files.example')).body, /first/);
});

test('a secret is in no argument, label, variable or log on the hosts', async () => {
  for (const host of ['host2', 'host3']) {
    const { stdout } = await onHost(host, [
      'docker ps -aq | xargs docker inspect; docker logs seawall-agent; docker logs seawall-server',
    ]);
    assert.ok(stdout.length > 1000);
    assert.doesNotMatch(stdout, /hostile/);
  }
});
