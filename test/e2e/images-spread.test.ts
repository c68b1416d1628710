/** One upload for three hosts (host2: Engine 20.10), cut and gone on with, and hosts that come later. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
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

const bigBytes = 150e6;
let lab: Lab;
let project: HeavyProject;

before(async () => {
  lab = await labOf('images-spread', 3);
  project = heavyProject(lab, ['host1', 'host2'], bigBytes);
});

after(async () => {
  if (!lab) return;
  await removeBuiltImages();
  await takeDownLab(lab);
});

const staged = '/var/lib/docker/volumes/seawall-images/_data/heavy';

test('an upload that was cut with its operator goes on where it stopped', async (t) => {
  const setup = await startSeawall(project, ['--yes', 'machine', 'setup']).ended;
  assert.equal(setup.code, 0, setup.stderr);
  const { child, ended } = startSeawall(project, ['--yes', 'deploy']);
  const gone = once(child, 'exit');
  await onHost(
    lab,
    'host1',
    `for i in $(seq 3000); do s=$(cat ${staged}/*.part 2>/dev/null | wc -c); [ "$s" -gt 30000000 ] && exit 0; sleep 0.05; done; exit 1`,
  );
  child.kill('SIGKILL');
  await gone;
  await ended;
  const arrived = Number(await onHost(lab, 'host1', `cat ${staged}/* | wc -c`));
  assert.ok(arrived > 30e6 && arrived < bigBytes, `${arrived} bytes arrived before the cut`);
  const result = await change(project, ['deploy', '--lock-wait', '2m']);
  const { uploadedBytes, betweenHostsBytes } = transferOf(result);
  t.diagnostic(
    `cut after ${megabytes(arrived)}; then uploaded ${megabytes(uploadedBytes)}, between hosts ${megabytes(betweenHostsBytes)}`,
  );
  assert.ok(uploadedBytes < (bigBytes + 1e6 - arrived) * 1.05 + 2e6);
  assert.ok(betweenHostsBytes >= bigBytes, 'the second host got the image from the first');
});

test('a host that joins gets the image from a host, though the operator has it no more', async (t) => {
  await removeBuiltImages();
  nameHosts(project, ['host1', 'host2', 'host3']);
  const setup = await startSeawall(project, ['--yes', 'machine', 'setup']).ended;
  assert.equal(setup.code, 0, setup.stderr);
  const result = await change(project, ['deploy']);
  const { uploadedBytes, betweenHostsBytes } = transferOf(result);
  t.diagnostic(`uploaded ${megabytes(uploadedBytes)}, between hosts ${megabytes(betweenHostsBytes)}`);
  assert.equal(uploadedBytes, 0);
  assert.ok(betweenHostsBytes >= bigBytes);
  assert.match(await onHost(lab, 'host3', 'docker ps --format "{{.Image}}"'), /seawall\/heavy-worker|sha256/);
});

test('a change of 1 MB for three hosts is uploaded once', async (t) => {
  writeNoise(project, 'small.bin', 1e6);
  // The change is built on what the machine that builds has in its cache; it is another machine than before.
  const first = transferOf(await change(project, ['deploy']));
  t.diagnostic(`from a new operator: uploaded ${megabytes(first.uploadedBytes)}`);
  writeNoise(project, 'small.bin', 1e6);
  const { uploadedBytes, betweenHostsBytes, sentLayers, skippedLayers, durationMs } = transferOf(
    await change(project, ['deploy']),
  );
  t.diagnostic(
    `changed layer 1.00 MB: uploaded ${megabytes(uploadedBytes)}, between hosts ${megabytes(betweenHostsBytes)}, ${sentLayers} layers new, ${skippedLayers} there, ${durationMs} ms`,
  );
  assert.ok(uploadedBytes <= 1.1e6, 'at most 1.1 times the changed layer');
  assert.ok(betweenHostsBytes <= 2 * 1.1e6);
  assert.equal(sentLayers, 3);
});

test('a rollback places replicas on a host that was not there when the release was made', async (t) => {
  await onHost(lab, 'host3', 'docker image prune --all --force >/dev/null');
  const result = await change(project, ['rollback']);
  const { uploadedBytes, betweenHostsBytes } = transferOf(result);
  t.diagnostic(
    `rollback: uploaded ${megabytes(uploadedBytes)}, between hosts ${megabytes(betweenHostsBytes)}`,
  );
  assert.equal(uploadedBytes, 0);
  assert.ok(betweenHostsBytes > 0);
});

test('hosts that cannot reach each other for layers are sent them by the operator, and told so', async (t) => {
  writeNoise(project, 'small.bin', 1e6);
  const rule = 'PREROUTING -i seawall0 -p tcp --dport 4770:4777 -j DROP';
  await onHost(lab, 'host1', `iptables -t raw -I ${rule}`);
  try {
    const { code, stdout, stderr } = await startSeawall(project, ['--yes', 'deploy']).ended;
    const said = `${stdout}\n${stderr}`;
    assert.equal(code, 0, said);
    t.diagnostic(/images: .*/.exec(said)?.[0] ?? '');
    assert.match(said, /did not get to host[23] by way of the other hosts .*sending it from here/);
    assert.match(said, /images: 3 MB sent from here/);
  } finally {
    await onHost(lab, 'host1', `iptables -t raw -D ${rule}`);
  }
});

test('nothing of it is left on a host: no helper, no layers, no open port', async () => {
  for (const host of ['host1', 'host2', 'host3']) {
    assert.equal(await onHost(lab, host, 'docker ps --all --quiet --filter label=seawall.kind=images'), '');
    assert.equal(await onHost(lab, host, `find ${staged} -type f 2>/dev/null | wc -l`), '0', host);
    assert.equal(await onHost(lab, host, 'ss -Hltn "sport >= :4770 and sport <= :4777"'), '', host);
  }
});
