/** A host (host2: Engine 20.10) whose disk for images is too small, or becomes full while images come. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import {
  change,
  type HeavyProject,
  heavyProject,
  onHost,
  removeBuiltImages,
  startSeawall,
  writeNoise,
} from './images-stage.ts';
import { labOf } from './lab-links.ts';

const diskMegabytes = 1200;
let lab: Lab;
let project: HeavyProject;

before(async () => {
  lab = await labOf('images-disk', 2);
  await onHost(
    lab,
    'host2',
    `mount -t tmpfs -o size=${diskMegabytes}m tmpfs /var/lib/docker && service docker restart`,
  );
  project = heavyProject(lab, ['host1', 'host2'], 1e6);
  // One on each host.
  editCompose('replicas: 3', 'replicas: 2');
  await change(project, ['deploy']);
});

after(async () => {
  if (!lab) return;
  await removeBuiltImages();
  await takeDownLab(lab);
});

function editCompose(text: string, by: string): void {
  const file = join(project.folder, 'compose.yaml');
  const before = readFileSync(file, 'utf8');
  assert.ok(before.includes(text));
  writeFileSync(file, before.replace(text, by));
}

const staged = '/var/lib/docker/volumes/seawall-images/_data/heavy';
const running = (host: string) => onHost(lab, host, 'docker ps --no-trunc --quiet | sort');
const countImages = (host: string, filter: string) =>
  onHost(lab, host, `docker images --quiet ${filter} | wc -l`);
const filesWaiting = (host: string) => onHost(lab, host, `find ${staged} -type f 2>/dev/null | wc -l`);

/** A deploy that fails, and what it said. */
async function failingDeploy(meanwhile: () => Promise<unknown> = async () => undefined): Promise<string> {
  const { ended } = startSeawall(project, ['--yes', 'deploy']);
  const [{ code, stdout, stderr }] = await Promise.all([ended, meanwhile()]);
  assert.notEqual(code, 0, stdout);
  return `${stdout}\n${stderr}`;
}

test('an image too large for a host is refused before anything is sent, with the figures and what could go', async (t) => {
  const before = await Promise.all([running('host1'), running('host2')]);
  writeNoise(project, 'big.bin', 400e6);
  const said = await failingDeploy();
  assert.match(said, /host2: [\d.]+ MB are free for images, \d+ MB are needed; nothing was sent/);
  assert.match(said, /docker image prune|docker system df/);
  t.diagnostic(/host2: .*free for images.*/.exec(said)?.[0] ?? '');
  assert.deepEqual(await Promise.all([running('host1'), running('host2')]), before);
  assert.equal(await filesWaiting('host1'), '0');
  assert.equal(
    await onHost(lab, 'host1', 'docker images --quiet seawall/heavy-worker | sort -u | wc -l'),
    '1',
  );
});

test('a disk that becomes full while an image comes is said, nothing is lost, and the next deploy works', async (t) => {
  const before = await Promise.all([running('host1'), running('host2')]);
  writeNoise(project, 'big.bin', 150e6);
  const fill = () =>
    onHost(
      lab,
      'host1',
      `for i in $(seq 3000); do ls ${staged}/*.part >/dev/null 2>&1 && exit 0; sleep 0.02; done; exit 1`,
    ).then(() =>
      onHost(
        lab,
        'host2',
        'fallocate -l $(($(df --output=avail -B1 /var/lib/docker | tail -1) - 20000000)) /var/lib/docker/filler',
      ),
    );
  const said = await failingDeploy(fill);
  assert.match(said, /host2: the disk became full while images were brought/);
  t.diagnostic(/host2: the disk became full.*/.exec(said)?.[0] ?? '');
  assert.deepEqual(await Promise.all([running('host1'), running('host2')]), before);
  assert.equal(await filesWaiting('host2'), '0', 'what waited gave its room back');
  await onHost(lab, 'host2', 'rm /var/lib/docker/filler');
  const { outcome } = await change(project, ['deploy', '--lock-wait', '2m']);
  assert.equal(outcome, 'done');
});

test("images of earlier releases go by the room they take, those of failed deploys too, and nobody else's", async (t) => {
  writeFileSync(join(project.folder, 'seawall.yml'), 'keep: { releases: 5, disk: 30M }\n');
  const image = 'seawall/heavy-worker | head -1';
  for (const host of ['host1', 'host2'])
    for (const name of ['somebody/app:1', 'seawall/kept:other.1'])
      await onHost(lab, host, `docker tag $(docker images --quiet ${image}) ${name}`);
  const kept: number[] = [];
  // What serves and the release before stay; of those before them (1 MB; 150 MB; 20 MB), what fits in 30 MB.
  for (const _ of ['first', 'second', 'third']) {
    writeNoise(project, 'big.bin', 20e6);
    await change(project, ['deploy']);
    kept.push(Number(await countImages('host1', "--filter 'reference=seawall/kept:heavy.*'")));
  }
  t.diagnostic(`keep.disk 30M: releases whose images are kept, deploy by deploy: ${kept.join(', ')}`);
  assert.deepEqual(kept, [3, 2, 3]);
  for (const host of ['host1', 'host2']) {
    assert.equal(await countImages(host, "--filter 'reference=seawall/kept:heavy.*'"), '3', host);
    assert.equal(
      await countImages(host, 'seawall/heavy-worker'),
      '3',
      `${host}: also what failed deploys left`,
    );
    assert.equal(await countImages(host, 'somebody/app'), '1', host);
    assert.equal(await countImages(host, 'seawall/kept:other.1'), '1', host);
  }
});

test('the way back after a failed deploy fetches an old image that a host lost meanwhile', async (t) => {
  const worker = '$(docker ps --quiet --filter label=seawall.service=worker)';
  const image = await onHost(lab, 'host1', `docker inspect --format "{{.Image}}" ${worker}`);
  const address = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
  const onHost2 = await onHost(lab, 'host2', `docker inspect --format "${address}" ${worker}`);
  const range = onHost2.replace(/\d+$/, '');
  assert.match(range, /^(\d+\.){3}$/);
  const dies = `if (JSON.stringify(os.networkInterfaces()).includes('${range}')) process.exit(1); process.on`;
  editCompose('process.on', dies);
  // One wholly after the other: start-first keeps the old one of host1 while the new one of host2 starts.
  editCompose('replicas: 2', 'replicas: 2\n      update_config: { delay: 1s }');
  writeNoise(project, 'small.bin', 1e6);
  const loss = onHost(
    lab,
    'host1',
    `for i in $(seq 3000); do docker rmi --force ${image} >/dev/null 2>&1 && exit 0; sleep 0.05; done; exit 1`,
  );
  const said = await failingDeploy(() => loss);
  t.diagnostic(/.*seawall\/kept:heavy\S+ from host2.*/.exec(said)?.[0] ?? said.slice(-400));
  assert.match(said, /seawall\/kept:heavy\S+ from host2/);
  for (const host of ['host1', 'host2'])
    assert.equal(await onHost(lab, host, `docker inspect --format "{{.Image}}" ${worker}`), image, host);
});
