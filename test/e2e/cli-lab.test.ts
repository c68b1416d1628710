/** Commands about the cluster itself, as a user runs them: the lock of a deploy, and hosts that leave. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, tryCommand } from '../../lab/command.ts';
import { cutHost, healHost, takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import { hostConfig, labOf, root, until } from './lab-links.ts';

let lab: Lab;
let folder = '';

before(async () => {
  lab = await labOf('cli-e2e', 2);
  folder = await mkdtemp(join(tmpdir(), 'seawall-cli-'));
  await cp(join(root, 'test/e2e/apps/shop'), folder, { recursive: true });
  const hosts = {
    host1: { ...hostConfig(lab, 'host1'), roles: ['edge', 'app'] },
    host2: { ...hostConfig(lab, 'host2') },
  };
  const named = Object.entries(hosts).map(([name, { ssh, address, roles }]) => [
    name,
    { ssh, address, roles },
  ]);
  const settings = {
    ssh_config: lab.sshConfig,
    hosts: Object.fromEntries(named),
    agent: { build_network: 'host' },
  };
  await writeFile(join(folder, 'lab.yml'), JSON.stringify(settings));
});

after(async () => {
  if (lab) await takeDownLab(lab);
  await rm(folder, { recursive: true, force: true });
});

const files = ['--file', 'seawall.yml', '--file', 'lab.yml'];

/** `bin/seawall` without a terminal. */
const seawall = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> =>
  tryCommand(join(root, 'bin/seawall'), [...args, ...files], { cwd: folder, env: { NO_COLOR: '1', ...env } });

async function expectCode(code: number, ...args: string[]): Promise<CommandResult> {
  const result = await seawall(args);
  assert.equal(result.code, code, `seawall ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
  return result;
}

/** The table without its trailing blanks, by replica. */
const rowsOf = async (code: number): Promise<{ readonly [key: string]: unknown }[]> => {
  const { stdout } = await expectCode(code, 'ps', '--json');
  return (JSON.parse(stdout) as { replicas: { readonly [key: string]: unknown }[] }).replicas;
};

test('of two deploys at once the second one ends with 4 and says who holds the lock, since when and from where', async () => {
  await expectCode(0, 'deploy', '--yes');
  // It starts slowly: the deploy holds the lock for as long as this test needs.
  const first = seawall(['deploy', '--yes'], { VERSION: 'v2', SLOW_START_MS: '8000' });
  await until(
    'the first one holds the lock',
    async () => (await seawall(['lock', 'status'])).code === 4,
    60_000,
  );
  const status = await expectCode(4, 'lock', 'status');
  assert.match(status.stdout, /shop is locked by \S+ on \S+ since \S+ \(\d+ s\): seawall deploy --yes/);

  const second = await seawall(['deploy', '--yes'], { VERSION: 'v3' });
  assert.equal(second.code, 4, second.stderr);
  assert.match(second.stderr, /\S+ on \S+ holds \S+ since 20\S+Z: seawall deploy --yes/);
  assert.match(second.stderr, /Wait until that is done/);

  const { code, stdout } = await first;
  assert.equal(code, 0, stdout);
  assert.match((await expectCode(0, 'lock', 'status')).stdout, /Nobody changes shop/);
});

test('a lock is taken from its holder only after the danger was said and the question answered', async () => {
  assert.match((await expectCode(0, 'lock', 'release')).stdout, /Nobody changes shop/);
  const first = seawall(['deploy', '--yes'], { VERSION: 'v4', SLOW_START_MS: '8000' });
  await until('somebody holds the lock', async () => (await seawall(['lock', 'status'])).code === 4, 60_000);
  const asked = await expectCode(2, 'lock', 'release');
  assert.match(asked.stdout, /replicas of two releases may be running/);
  assert.match(asked.stderr, /Add --yes/);
  await expectCode(4, 'lock', 'status');
  assert.match((await expectCode(0, 'lock', 'release', '--yes')).stdout, /The lock is free/);
  const { code, stdout } = await first;
  assert.notEqual(code, 0, stdout);
  await expectCode(0, 'deploy', '--yes');
});

test('what a host that is away holds is shown as unknown, and nothing is changed without it', async () => {
  const onHost2 = (await rowsOf(0)).filter(({ host }) => host === 'host2');
  assert.ok(onHost2.length > 0);
  await cutHost(lab, 'host2');
  try {
    const away = (await rowsOf(5)).filter(({ host }) => host === 'host2');
    assert.deepEqual(
      away.map(({ service, replica, state }) => `${service}-${replica} ${state}`),
      onHost2.map(({ service, replica }) => `${service}-${replica} unknown`),
    );
    const refused = await seawall(['deploy', '--yes'], { VERSION: 'v5' });
    assert.equal(refused.code, 5, refused.stdout);
    assert.match(refused.stderr, /✘ hosts\.host2: /);
  } finally {
    await healHost(lab, 'host2');
  }
});

test('hosts leave only when nothing needs them, the one with the catalog last, and then nothing is left', async () => {
  assert.match(
    (await expectCode(2, 'machine', 'rm', '--yes', 'host1')).stderr,
    /keeps the catalog for host2/,
  );
  await until(
    'host2 is back',
    async () => (await seawall(['down', '--yes', '--volumes'])).code === 0,
    60_000,
  );
  await expectCode(0, 'machine', 'rm', '--yes', '--images', 'host2');
  const hosts = JSON.parse((await expectCode(0, 'machine', 'ls', '--json')).stdout) as {
    hosts: { host: string; agent: string }[];
  };
  assert.deepEqual(
    hosts.hosts.map(({ host, agent }) => [host, agent === 'none']),
    [
      ['host1', false],
      ['host2', true],
    ],
  );
  await expectCode(0, 'machine', 'rm', '--yes', '--images', 'host1');
  const look =
    'ls -d /etc/seawall /var/lib/seawall 2>/dev/null; iptables-save | grep SEAWALL; ip -o link show seawall0 2>/dev/null; ' +
    'ip route show type unreachable; docker ps -aq; docker volume ls -q; docker images | grep seawall';
  for (const host of ['host1', 'host2']) {
    assert.equal((await tryCommand('ssh', ['-F', lab.sshConfig, host, look])).stdout, '');
  }
  const { stdout } = await expectCode(0, 'down', '--yes');
  assert.match(stdout, /^Nothing of shop is on the hosts: they are not set up\.\n$/);
});
