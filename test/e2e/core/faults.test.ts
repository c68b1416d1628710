import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healHost, startHost, stopHost } from '../../../lab/hosts.ts';
import {
  ask,
  deployShop,
  edge,
  expectCode,
  lab,
  onHost,
  projectFolder,
  seawall,
  until,
  versionsServed,
} from './stage.ts';

const shop = projectFolder('shop');
await deployShop(shop, { VERSION: 'v1' });

const replicasRunning = async (host: string): Promise<number> => {
  const { stdout } = await onHost(host, ['docker', 'ps', '-q', '--filter', 'label=seawall.kind=replica']);
  return stdout.split('\n').filter(Boolean).length;
};

test('a host switched off: traffic goes on, a deploy is refused before anything changes, and all comes back by itself', async () => {
  const before = await replicasRunning('host3');
  assert.ok(before > 0);
  await stopHost(lab, 'host3');
  await until('the edge answers again and again without host3', 20, async () => {
    for (let count = 0; count < 30; count++) if ((await ask()).status !== 200) return false;
    return true;
  });
  const refused = await seawall(shop, ['deploy', '--yes'], { env: { VERSION: 'v2' } });
  assert.equal(refused.code, 5, refused.stdout + refused.stderr);
  assert.match(refused.stderr, /host3/);
  assert.deepEqual(await versionsServed(), ['v1']);
  await startHost(lab, 'host3');
  await until('everything of host3 runs again', 60, async () => (await replicasRunning('host3')) === before);
  await until('host3 serves again', 60, async () => {
    const { stdout } = await expectCode(0, shop, ['ps', '--json'], { env: { VERSION: 'v1' } });
    return !/unhealthy|critical|starting/.test(stdout);
  });
});

test('all hosts switched off and on: the project serves again without an operator', async () => {
  for (const name of ['host1', 'host2', 'host3']) await stopHost(lab, name);
  for (const name of ['host3', 'host2', 'host1']) await startHost(lab, name);
  await healHost(lab, 'host1');
  await until('the edge serves again', 120, async () => (await ask()).status === 200);
  assert.deepEqual(await versionsServed(), ['v1']);
});

test('somebody on the same network reaches port 80 of the edge and nothing else that Seawall opened', async () => {
  const scan = `
import socket, sys
for port in [22, 53, 80, 443, 2375, 2376, 4789, 5432, 6379, 7000, 8000, 8300, 8500, 8501, 9000]:
    s = socket.socket(); s.settimeout(0.7)
    try:
        s.connect((sys.argv[1], port)); print(port)
    except OSError: pass
    s.close()
`;
  const open = async (address: string): Promise<string[]> => {
    const { stdout } = await onHost('foreign', ['python3', '-c', `'${scan}'`, address]);
    return stdout.split('\n').filter(Boolean);
  };
  for (const host of lab.hosts.filter((each) => each.role === 'host')) {
    const expected = host.name === 'host1' ? ['22', '80'] : ['22'];
    assert.deepEqual(await open(host.address), expected, host.name);
  }
  // With a route of its own into the private network a neighbour gets no further.
  await onHost('foreign', ['ip', 'route', 'replace', '10.208.0.0/12', 'via', edge.address]);
  for (const inside of ['10.208.16.1', '10.208.32.1', '10.208.32.130', '10.208.48.1']) {
    assert.deepEqual(await open(inside), [], inside);
  }
  await onHost('foreign', ['ip', 'route', 'del', '10.208.0.0/12']);
});

test('a container that somebody starts by hand joins the upstream of the route that names it', async () => {
  const { writeFileSync } = await import('node:fs');
  const byHand = projectFolder('shop', 'shop-by-hand');
  writeFileSync(
    `${byHand.folder}/more.yml`,
    JSON.stringify({ routes: { 'byhand.example': { catalog: 'nginx', port: 80, tls: 'off' } } }),
  );
  const files = { ...byHand, files: [...byHand.files, `${byHand.folder}/more.yml`] };
  await deployShop(files, { VERSION: 'v1' });
  assert.equal((await ask('/', 'byhand.example')).status, 503);
  const { runCommand } = await import('../../../lab/command.ts');
  const image = 'nginx:1.30';
  await runCommand('sh', ['-c', `docker save ${image} | ssh -F ${lab.sshConfig} host2 docker load`]);
  await onHost('host2', ['docker', 'run', '-d', '-p', '83:80', '--name', 'test-01', image]);
  try {
    await until('it gets requests', 15, async () => (await ask('/', 'byhand.example')).status === 200);
  } finally {
    await onHost('host2', ['docker', 'rm', '-f', 'test-01']);
  }
  await until(
    'it is gone from the upstream',
    15,
    async () => (await ask('/', 'byhand.example')).status === 503,
  );
  await deployShop(shop, { VERSION: 'v1' });
});

test('a volume that somebody else writes to is refused before anything changes', async () => {
  const { stdout } = await onHost('host2', ['docker', 'volume', 'ls', '-q', '--filter', 'name=shop_data']);
  const host = stdout.trim() === 'shop_data' ? 'host2' : 'host3';
  const images = await onHost(host, ['docker', 'images', '-q', 'seawall/shop-store']);
  const image = images.stdout.split('\n')[0] ?? '';
  await onHost(host, [
    'docker',
    'run',
    '-d',
    '--name',
    'squatter',
    '-v',
    'shop_data:/data',
    image,
    'sleep',
    '600',
  ]);
  try {
    const refused = await seawall(shop, ['deploy', '--yes'], { env: { VERSION: 'v2' } });
    assert.equal(refused.code, 2, refused.stdout + refused.stderr);
    assert.match(refused.stderr, /container squatter on host host\d uses the volume shop_data/);
    assert.deepEqual(await versionsServed(), ['v1']);
  } finally {
    await onHost(host, ['docker', 'rm', '-f', 'squatter']);
  }
});
