/** `machine setup` on servers as a provider hands them over: Debian with sshd and no Docker. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommand, tryCommand } from '../../lab/command.ts';
import { ensureEngine } from '../../lab/engine.ts';
import { ensureImages } from '../../lab/images.ts';
import { ensureKeyPair, packIdentity } from '../../lab/keys.ts';
import { probePrivileges } from '../../lab/machines.ts';
import { root, until } from './lab-links.ts';

interface Server {
  readonly name: string;
  readonly base: string;
  /** Who logs in. */
  readonly user: string;
}

/** One of each login: root, and a user who has sudo and no more; the newest Debian and the one before. */
const servers: readonly Server[] = [
  { name: 'bare1', base: 'debian:trixie-slim', user: 'root' },
  { name: 'bare2', base: 'debian:bookworm-slim', user: 'deploy' },
];
const container = (name: string) => `seawall-e2e-${name}`;
const image = (base: string) => `seawall-e2e/bare:${base.replace(/^debian:|-slim$/g, '')}`;
let folder = '';

before(async () => {
  await ensureEngine();
  await ensureImages();
  folder = await mkdtemp(join(tmpdir(), 'seawall-bare-'));
  const addresses = await Promise.all(servers.map(startServer));
  await writeProject(addresses);
});

after(async () => {
  for (const { name } of servers) await tryCommand('docker', ['rm', '--force', '--volumes', container(name)]);
  await rm(folder, { recursive: true, force: true });
});

/** On the engine's own default bridge, which reaches the package registries; a lab's network does not. */
async function startServer({ name, base }: Server): Promise<string> {
  const recipe = join(root, 'test/e2e/bare');
  const build = ['build', '--quiet', '--network', 'host', '--build-arg', `BASE=${base}`];
  await runCommand('docker', [...build, '--tag', image(base), recipe]);
  await tryCommand('docker', ['rm', '--force', '--volumes', container(name)]);
  const privileges = await probePrivileges(image(base));
  const tmpfs = ['--tmpfs', '/run:rw,exec,mode=755'];
  const named = ['--name', container(name), '--hostname', name];
  await runCommand('docker', ['create', ...named, ...tmpfs, ...privileges, image(base)]);
  const userKey = await ensureKeyPair(folder, 'user');
  const hostKey = await ensureKeyPair(folder, name);
  const hostText = await runCommand('cat', [hostKey.file]);
  const identity = await packIdentity(userKey, `${hostText}\n`, hostKey.publicKey, true);
  await runCommand('docker', ['cp', '-', `${container(name)}:/`], { input: identity });
  await runCommand('docker', ['start', container(name)]);
  const format = '{{.NetworkSettings.Networks.bridge.IPAddress}}';
  const address = await runCommand('docker', ['inspect', '--format', format, container(name)]);
  return address;
}

async function writeProject(addresses: readonly string[]): Promise<void> {
  const keys = await Promise.all(servers.map(({ name }) => ensureKeyPair(folder, name)));
  const known = keys.map(({ publicKey }, at) => `${addresses[at]} ${publicKey}\n`).join('');
  await writeFile(join(folder, 'known_hosts'), known);
  const entries = servers.map(
    ({ name, user }, at) => `Host ${name}\n  HostName ${addresses[at]}\n  User ${user}\n`,
  );
  const user = (await ensureKeyPair(folder, 'user')).file;
  const all = `Host *\n  IdentityFile ${user}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${folder}/known_hosts\n`;
  await writeFile(join(folder, 'ssh_config'), `${entries.join('')}${all}`);
  const hosts = servers.map(({ name }, at) => [
    name,
    { ssh: name, address: addresses[at], roles: at === 0 ? ['edge', 'app'] : ['app'] },
  ]);
  const settings = {
    ssh_config: 'ssh_config',
    hosts: Object.fromEntries(hosts),
    agent: { build_network: 'host' },
  };
  await writeFile(join(folder, 'seawall.yml'), JSON.stringify(settings));
  await writeFile(join(folder, 'compose.yaml'), 'name: bare\nservices:\n  web: { image: nginx:1.30 }\n');
}

const seawall = (...args: string[]) =>
  tryCommand(join(root, 'bin/seawall'), args, { cwd: folder, env: { NO_COLOR: '1' } });

const onServer = (name: string, ...argv: string[]) =>
  tryCommand('ssh', ['-F', join(folder, 'ssh_config'), name, ...argv]);

test('a plan and a deploy on a server without Docker say what to do', async () => {
  const look = async () =>
    (await onServer('bare1', 'true')).code === 0 && (await onServer('bare2', 'true')).code === 0;
  await until('sshd answers', look);
  const { code, stdout, stderr } = await seawall('plan');
  assert.equal(code, 5);
  assert.match(`${stdout}${stderr}`, /Docker is not installed or not running there/);
  assert.match(`${stdout}${stderr}`, /seawall machine setup/);
});

test('setup installs and starts Docker for root and for a user with sudo, and makes a cluster of the servers', async () => {
  const { code, stdout, stderr } = await seawall('machine', 'setup', '--yes');
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  for (const { name } of servers) {
    const { stdout: running } = await onServer(name, 'docker', 'ps', '--format', '{{.Names}}');
    assert.ok(running.includes('seawall-agent'), `${name}: ${running}`);
    const { stdout: listed } = await onServer(name, 'dpkg', '-l', 'docker.io');
    assert.match(listed, /^ii +docker\.io/m);
  }
  const again = JSON.parse((await seawall('machine', 'setup', '--yes', '--json')).stdout) as {
    done: unknown;
  };
  assert.deepEqual(again.done, { bare1: [], bare2: [] });
});

test('a server that leaves keeps Docker and nothing of Seawall', async () => {
  for (const name of ['bare2', 'bare1']) {
    const { code, stdout, stderr } = await seawall('machine', 'rm', '--yes', '--images', name);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    const look =
      'ls -d /etc/seawall /var/lib/seawall 2>/dev/null; docker ps -aq; docker images | grep seawall';
    assert.equal((await onServer(name, look)).stdout, '');
  }
});
