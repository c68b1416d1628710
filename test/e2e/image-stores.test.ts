/** containerd's image store (host1) beside classic ones of engines 20.10 (host2) and 28.5 (host3): one image, each way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import {
  change,
  type HeavyProject,
  heavyProject,
  megabytes,
  nameHosts,
  onHost,
  removeBuiltImages,
  startSeawall,
  transferOf,
  writeNoise,
} from './images-stage.ts';
import { labOf } from './lab-links.ts';

const bigBytes = 30e6;
let lab: Lab;
let project: HeavyProject;

before(async () => {
  lab = await labOf('image-stores', 3);
  const settings = JSON.stringify({ features: { 'containerd-snapshotter': true } });
  await onHost(
    lab,
    'host1',
    `mkdir -p /etc/docker && echo '${settings}' > /etc/docker/daemon.json && service docker restart`,
  );
  const info = await onHost(lab, 'host1', 'docker info --format "{{.DriverStatus}}"');
  assert.match(info, /io\.containerd\.snapshotter/);
  project = heavyProject(lab, ['host1', 'host2'], bigBytes);
});

after(async () => {
  if (!lab) return;
  await removeBuiltImages();
  await takeDownLab(lab);
});

const idOn = (host: string) =>
  onHost(lab, host, 'docker ps --filter label=seawall.service=worker --format "{{.Image}}"');

test('an image is handed from one kind of store to the other, and a second deploy finds nothing to do', async (t) => {
  const { uploadedBytes, betweenHostsBytes } = transferOf(await change(project, ['deploy']));
  t.diagnostic(`uploaded ${megabytes(uploadedBytes)}, between hosts ${megabytes(betweenHostsBytes)}`);
  assert.ok(uploadedBytes <= (bigBytes + 1e6) * 1.1);
  assert.ok(betweenHostsBytes >= bigBytes);
  assert.notEqual(await idOn('host1'), '');
  assert.equal((await change(project, ['deploy'])).outcome, 'unchanged');
});

test('a change of 1 MB moves 1 MB to each kind of store', async (t) => {
  writeNoise(project, 'small.bin', 1e6);
  const { uploadedBytes, betweenHostsBytes } = transferOf(await change(project, ['deploy']));
  t.diagnostic(`uploaded ${megabytes(uploadedBytes)}, between hosts ${megabytes(betweenHostsBytes)}`);
  assert.ok(uploadedBytes <= 1.1e6 && betweenHostsBytes <= 1.1e6);
  assert.equal((await change(project, ['deploy'])).outcome, 'unchanged');
});

test('a host with a classic store that joins gets the image from one with containerd, and back', async (t) => {
  await removeBuiltImages();
  nameHosts(project, ['host1', 'host2', 'host3']);
  const setup = await startSeawall(project, ['--yes', 'machine', 'setup']).ended;
  assert.equal(setup.code, 0, setup.stderr);
  const joined = transferOf(await change(project, ['deploy']));
  t.diagnostic(`containerd → classic: uploaded ${megabytes(joined.uploadedBytes)}`);
  assert.equal(joined.uploadedBytes, 0);
  assert.ok(joined.betweenHostsBytes >= bigBytes);
  await onHost(lab, 'host1', 'docker ps -q --filter label=seawall.service=worker | xargs docker rm -f');
  await onHost(lab, 'host1', 'docker image prune --all --force > /dev/null');
  const back = transferOf(await change(project, ['deploy']));
  t.diagnostic(`classic → containerd: between hosts ${megabytes(back.betweenHostsBytes)}`);
  assert.equal(back.uploadedBytes, 0);
  assert.ok(back.betweenHostsBytes >= bigBytes);
  assert.equal((await change(project, ['deploy'])).outcome, 'unchanged');
});
