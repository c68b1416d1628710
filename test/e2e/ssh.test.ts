/** ssh as it is found: other users, jump hosts, tight limits, long paths, forbidden forwardings. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, tryCommand } from '../../lab/command.ts';
import { takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import type { SeawallError } from '../../src/errors.ts';
import { connectHosts, type HostLink } from '../../src/hosts/index.ts';
import { hostConfig, labOf, linksTo, root, until } from './lab-links.ts';

let lab: Lab;
let folder: string;
let links: readonly HostLink[];

before(async () => {
  lab = await labOf('ssh-e2e', 2);
  links = await linksTo(lab, ['host1', 'host2']);
  folder = await mkdtemp(join(tmpdir(), 'seawall-ssh-'));
});

after(async () => {
  for (const link of links ?? []) link.close();
  if (folder) await rm(folder, { recursive: true, force: true });
  if (lab) await takeDownLab(lab);
});

/** Other rules for the sshd of a host, until the next call. */
async function sshdRules(host: string, rules: readonly string[]): Promise<void> {
  const link = links.find(({ name }) => name === host);
  assert.ok(link);
  // In front of the lab's own: sshd takes the first value that it reads.
  const file = '/etc/ssh/sshd_config.d/00-test.conf';
  const script = 'cat > "$1" && sshd -t && pkill -HUP -o -x sshd';
  const { exitCode, stderr } = await link.exec(['sh', '-c', script, 'sh', file], {
    stdin: rules.map((rule) => `${rule}\n`).join(''),
  });
  assert.equal(exitCode, 0, stderr);
  await until('sshd takes connections again', async () => {
    const { code } = await tryCommand('ssh', ['-F', lab.sshConfig, '-o', 'ConnectTimeout=2', host, 'true']);
    return code === 0;
  });
}

async function sshConfig(change: (text: string) => string): Promise<string> {
  const file = join(await mkdtemp(join(folder, 'config-')), 'ssh_config');
  await writeFile(file, change(await readFile(lab.sshConfig, 'utf8')));
  return file;
}

/** host2 is reached through host1 only. */
const throughHost1 = () =>
  sshConfig((text) =>
    text.replace(/^Host host2\n {2}HostName \S+\n/m, (block) => `${block}  ProxyJump host1\n`),
  );

async function failureOf(name: string, ssh: string): Promise<SeawallError> {
  const { links: found, failures } = await connectHosts([hostConfig(lab, name, { ssh })], {
    sshConfig: lab.sshConfig,
  });
  for (const link of found) link.close();
  assert.ok(failures[0], 'the connection should have failed');
  return failures[0].error;
}

/** The app `files` with the lab's hosts, deployed by `bin/seawall` as a user does. */
async function project(config: string, users: readonly [string, string]): Promise<string> {
  const place = await mkdtemp(join(folder, 'project-'));
  await cp(join(root, 'test/e2e/apps/files'), place, { recursive: true });
  const hosts = Object.fromEntries(
    ['host1', 'host2'].map((name, at) => [
      name,
      {
        ssh: users[at],
        address: hostConfig(lab, name).address,
        roles: at === 0 ? ['edge', 'app'] : ['app'],
      },
    ]),
  );
  const settings = { ssh_config: config, hosts, agent: { build_network: 'host' } };
  await writeFile(join(place, 'lab.yml'), JSON.stringify(settings));
  return place;
}

const seawall = (
  place: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> =>
  tryCommand(join(root, 'bin/seawall'), ['--file', 'seawall.yml', '--file', 'lab.yml', ...args], {
    cwd: place,
    env: { NO_COLOR: '1', ...env },
    timeoutMs: 600_000,
  });

/** The work under other rules of sshd, which are the lab's own again afterwards. */
async function underRules<T>(
  rules: Readonly<Record<string, readonly string[]>>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    for (const [host, lines] of Object.entries(rules)) await sshdRules(host, lines);
    return await work();
  } finally {
    for (const host of Object.keys(rules)) await sshdRules(host, []);
  }
}

test('a user of the docker group, a jump host, one session per connection, few logins at once and long paths: a deploy works', async (t) => {
  const tight = {
    host1: ['MaxSessions 2', 'MaxStartups 3:100:3'],
    host2: ['MaxSessions 1', 'MaxStartups 2:100:2'],
  };
  const long = join(folder, 'a-rather-long-name-of-a-folder-'.repeat(4));
  await mkdir(long, { recursive: true });
  const place = await project(await throughHost1(), ['deploy@host1', 'deploy@host2']);
  const env = { TMPDIR: long, XDG_RUNTIME_DIR: long, HOME: long };
  await underRules(tight, async () => {
    const startedAt = performance.now();
    for (const args of [
      ['deploy', '--yes'],
      ['ps', '--json'],
      ['logs', '--tail', '1'],
      ['down', '--yes'],
    ]) {
      const { code, stdout, stderr } = await seawall(place, args, env);
      assert.equal(code, 0, `seawall ${args.join(' ')}\n${stdout}${stderr}`);
    }
    t.diagnostic(`deploy, ps, logs, down: ${Math.round((performance.now() - startedAt) / 1000)} s`);
  });
});

for (const rule of ['AllowStreamLocalForwarding no', 'DisableForwarding yes']) {
  test(`sshd with "${rule}" is told by its name, with the line to change`, async () => {
    const error = await underRules({ host1: [rule] }, () => failureOf('host1', 'deploy@host1'));
    assert.equal(error.code, 'unreachable');
    assert.match(error.message, /forbids forwarding/);
    assert.match(error.hint ?? '', /AllowStreamLocalForwarding yes/);
  });
}

test('sshd that forwards sockets but no ports says so before anything changes', async () => {
  const place = await project(lab.sshConfig, ['deploy@host1', 'deploy@host2']);
  const refused = await underRules({ host1: ['AllowTcpForwarding no'] }, () =>
    seawall(place, ['deploy', '--yes']),
  );
  assert.equal(refused.code, 5, refused.stdout + refused.stderr);
  assert.match(refused.stderr, /AllowTcpForwarding yes/);
});

test('a user whose sudo asks for a password, outside the group docker, is told what to give him', async () => {
  const [, host2] = links;
  const script =
    'useradd -m typist && mkdir -p ~typist/.ssh && cp ~deploy/.ssh/authorized_keys ~typist/.ssh/ && chown -R typist ~typist/.ssh' +
    " && echo 'typist ALL=(ALL) ALL' > /etc/sudoers.d/typist && echo typist:secret | chpasswd";
  const made = await host2?.exec(['sh', '-c', script]);
  assert.equal(made?.exitCode, 0, made?.stderr);
  const place = await project(lab.sshConfig, ['deploy@host1', 'typist@host2']);
  const refused = await seawall(place, ['machine', 'setup', '--yes']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stdout + refused.stderr, /usermod -aG docker|sudo without a password/);
});
