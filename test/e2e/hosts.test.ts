import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { pack } from 'tar-stream';
import { takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import {
  connectHosts,
  Docker,
  demultiplex,
  type HostLink,
  installDocker,
  isConflict,
  isNotFound,
  readFacts,
} from '../../src/hosts/index.ts';
import { spoolImage } from '../../src/images/archive.ts';
import { sendImage } from '../../src/images/transfer.ts';
import { hostConfig, labOf, linksTo, root, until } from './lab-links.ts';

const exec = promisify(execFile);
const image = 'node:24-slim';
let lab: Lab;
let links: readonly HostLink[];
let folder: string;

before(async () => {
  lab = await labOf('hosts-e2e', 2);
  links = await linksTo(lab, ['host1', 'host2']);
  folder = await mkdtemp(join(tmpdir(), 'seawall-e2e-'));
  const operator = new Docker('/var/run/docker.sock');
  const archive = await spoolImage(operator, image, join(folder, 'image.tar'));
  for (const link of links) await sendImage(archive, link, image);
  operator.close();
});

after(async () => {
  for (const link of links ?? []) link.close();
  if (folder) await rm(folder, { recursive: true, force: true });
  if (lab) await takeDownLab(lab);
});

/** An ssh configuration of the lab in which something is different. */
async function brokenConfig(change: (text: string) => string): Promise<string> {
  const file = join(await mkdtemp(join(folder, 'ssh-')), 'ssh_config');
  await writeFile(file, change(await readFile(lab.sshConfig, 'utf8')));
  return file;
}

async function failure(sshConfig: string, ssh = 'host1') {
  const { links: found, failures } = await connectHosts([hostConfig(lab, 'host1', { ssh })], { sshConfig });
  for (const link of found) link.close();
  const [first] = failures;
  assert.ok(first, 'the connection should have failed');
  return first.error;
}

test('an unknown host key is refused, also when the ssh configuration says not to check', async () => {
  const config = await brokenConfig((text) =>
    text
      .replaceAll(/UserKnownHostsFile.*/g, 'UserKnownHostsFile /dev/null')
      .replaceAll('Checking yes', 'Checking no'),
  );
  const error = await failure(config);
  assert.equal(error.code, 'unreachable');
  assert.match(error.message, /host key is not known/);
  assert.match(error.hint ?? '', /ssh-keyscan/);
});

test('a changed host key is told apart from an unknown one', async () => {
  await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'other')]);
  const key = (await readFile(join(folder, 'other.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(join(folder, 'known'), `${hostConfig(lab, 'host1').address} ${key}\n`);
  const config = await brokenConfig((text) =>
    text.replaceAll(/UserKnownHostsFile.*/g, `UserKnownHostsFile ${join(folder, 'known')}`),
  );
  assert.match((await failure(config)).message, /another one than before/);
});

test('a key that is not let in, a closed port and an unknown name each say so', async () => {
  await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'stranger')]);
  const wrongKey = await brokenConfig((text) =>
    text.replaceAll(/IdentityFile.*/g, `IdentityFile ${join(folder, 'stranger')}\n  IdentityAgent none`),
  );
  assert.match((await failure(wrongKey)).message, /refuses the login/);
  const closed = await brokenConfig((text) => text.replaceAll('Port 22', 'Port 9'));
  assert.match((await failure(closed)).message, /nothing listens/);
  assert.match((await failure(lab.sshConfig, 'deploy@no-such-host.invalid')).message, /name is not known/);
});

test("a user outside the group docker is told apart from a host without Docker, and the host's Docker can be started", async () => {
  const [, old] = links;
  assert.ok(old);
  const script =
    'useradd -m plain && mkdir -p ~plain/.ssh && cp ~deploy/.ssh/authorized_keys ~plain/.ssh/ && chown -R plain ~plain/.ssh';
  await old.exec(['sh', '-c', script]);
  const config = [hostConfig(lab, 'host2', { ssh: 'plain@host2' })];
  const { failures } = await connectHosts(config, { sshConfig: lab.sshConfig });
  assert.match(failures[0]?.error.hint ?? '', /usermod -aG docker/);
  await assert.rejects(installDockerAs('plain@host2'), { code: 'refused', hint: /sudo/ });

  // The socket is away while dockerd runs on; a dockerd that is started anew makes one.
  await old.exec(['mv', '/var/run/docker.sock', '/var/run/docker.sock.away']);
  const stopped = await connectHosts([hostConfig(lab, 'host2')], { sshConfig: lab.sshConfig });
  assert.match(stopped.failures[0]?.error.message ?? '', /not installed or not running/);
  await installDockerAs('deploy@host2', () => old.exec(['service', 'docker', 'stop']));
  const [again] = await linksTo(lab, ['host2']);
  again?.close();
});

async function installDockerAs(ssh: string, first: () => Promise<unknown> = async () => {}): Promise<void> {
  const config = [hostConfig(lab, 'host2', { ssh })];
  const { links: found } = await connectHosts(config, { sshConfig: lab.sshConfig, needsDocker: false });
  assert.ok(found[0]?.dockerProblem);
  try {
    await first();
    await installDocker(found[0]);
  } finally {
    found[0].close();
  }
}

test('a process that is killed leaves no ssh behind', async () => {
  const script = `
    import { connectHosts } from ${JSON.stringify(join(root, 'src/hosts/index.ts'))};
    const { links } = await connectHosts([${JSON.stringify(hostConfig(lab, 'host1'))}], { sshConfig: ${JSON.stringify(lab.sshConfig)} });
    console.log(links[0].docker.socketPath);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const socket = await new Promise<string>((resolve) =>
    child.stdout.once('data', (data) => resolve(String(data).trim())),
  );
  const control = socket.replace(/f\d+$/, '');
  assert.ok(await isNamed(control), 'ssh runs while the process does');
  child.kill('SIGKILL');
  await until('ssh is gone', async () => !(await isNamed(control)));
  await rm(control, { recursive: true, force: true });
});

async function isNamed(text: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.startsWith('ssh') && command.includes(text)) return true;
  }
  return false;
}

test('a process that forgets to close its connections still ends, and leaves no files', async () => {
  const script = `
    import { connectHosts } from ${JSON.stringify(join(root, 'src/hosts/index.ts'))};
    const { links } = await connectHosts([${JSON.stringify(hostConfig(lab, 'host1'))}], { sshConfig: ${JSON.stringify(lab.sshConfig)} });
    console.log(links[0].docker.socketPath);
    process.exit(0);`;
  const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', script]);
  await assert.rejects(readdir(stdout.trim().replace(/f\d+$/, '')), { code: 'ENOENT' });
});

test('facts are read from both engines', async () => {
  for (const link of links) {
    const facts = await readFacts(link);
    assert.match(facts.engine, link.name === 'host1' ? /^28\./ : /^20\.10\./);
    assert.match(facts.platform, /^linux\//);
    assert.equal(facts.imageStore, 'classic');
    assert.ok((facts.disk?.freeBytes ?? 0) > 0);
    assert.ok(Math.abs(facts.clock?.skewMs ?? Number.NaN) < 60_000);
  }
});

async function withContainer(
  link: HostLink,
  body: Readonly<Record<string, unknown>>,
  work: (id: string, docker: Docker) => Promise<void>,
): Promise<void> {
  const name = `test-${Math.random().toString(36).slice(2)}`;
  const id = await link.docker.createContainer(name, { Image: image, HostConfig: { Init: true }, ...body });
  try {
    await work(id, link.docker);
  } finally {
    await link.docker.removeContainer(id, { force: true, volumes: true });
  }
}

test('a container whose making was interrupted is not left behind', async () => {
  for (const { name: host, docker } of links) {
    for (const ms of [0, 1, 3, 10, 30, 100]) {
      const name = `test-${Math.random().toString(36).slice(2)}`;
      const signal = AbortSignal.timeout(ms);
      const made = docker.createContainer(name, { Image: image }, { signal });
      const id = await made.catch((error: unknown) => {
        assert.ok(signal.aborted, String(error));
      });
      const containers = await docker.listContainers({ all: true });
      const left = containers.filter(({ Names }) => Names.includes(`/${name}`));
      assert.equal(left.length, id === undefined ? 0 : 1, `${host}, after ${ms} ms`);
      if (id !== undefined) await docker.removeContainer(id, { force: true });
    }
  }
});

test("a container's output comes line by line with its stream, with a terminal or without", async () => {
  for (const link of links) {
    for (const Tty of [false, true]) {
      // Docker cuts long lines and puts a time into each part; only frames tell where.
      const long = Tty ? 10_000 : 40_000;
      const script = `echo one; echo two >&2; head -c ${long} /dev/zero | tr "\\0" x; echo; printf end`;
      await withContainer(link, { Cmd: ['sh', '-c', script], Tty }, async (id, docker) => {
        await docker.startContainer(id);
        assert.equal(await docker.waitContainer(id), 0);
        const lines = [];
        for await (const line of docker.containerLogs(id, { timestamps: true })) lines.push(line);
        const texts = lines.map(({ line }) => (line.length > 1000 ? `${line.length} x` : line));
        assert.deepEqual(texts.sort(), [`${long} x`, 'end', 'one', 'two'], `${link.name} tty ${Tty}`);
        const two = lines.find(({ line }) => line === 'two');
        assert.equal(two?.stream, Tty ? 'stdout' : 'stderr');
        for (const { time } of lines) assert.match(time ?? '', /^20\d\d-\d\d-\d\dT/);
      });
    }
  }
});

test('logs and events that are followed end with their signal, without an error', async () => {
  for (const link of links) {
    await withContainer(link, { Cmd: ['sh', '-c', 'echo hello; sleep 600'] }, async (id, docker) => {
      const end = new AbortController();
      const seen: string[] = [];
      const watching = (async () => {
        for await (const event of docker.events({ filters: { container: [id] }, signal: end.signal })) {
          seen.push(event.Action);
        }
      })();
      await docker.startContainer(id);
      for await (const { line } of docker.containerLogs(id, { follow: true, signal: end.signal })) {
        assert.equal(line, 'hello');
        await until('the start was seen', () => seen.includes('start') || restart(docker, id));
        end.abort();
      }
      await watching;
      await assert.rejects(docker.info({ signal: end.signal }), { name: 'AbortError' });
    });
  }
});

/** The watch may have begun after the start: another event will do. */
async function restart(docker: Docker, id: string): Promise<false> {
  await docker.renameContainer(id, `again-${Math.random().toString(36).slice(2)}`);
  await docker.restartContainer(id, 0);
  return false;
}

test('a program in a container gets its input whole, and its end is known', async () => {
  for (const link of links) {
    await withContainer(link, { Cmd: ['sleep', '600'] }, async (id, docker) => {
      await docker.startContainer(id);
      const stdin = 'x'.repeat(3_000_000);
      const counted = await docker.exec(id, ['sh', '-c', 'wc -c; echo "$A" >&2; exit 7'], {
        stdin,
        env: ['A=b c'],
      });
      assert.deepEqual(counted, { exitCode: 7, stdout: '3000000\n', stderr: 'b c\n' });
      const late = docker.exec(id, ['sleep', '60'], { timeoutMs: 200 });
      await assert.rejects(late, { code: 'timeout' });
      const hostile = ['printf', '%s|', '$(id)', '; rm -rf /', "it's", '-n', 'a\nb'];
      assert.equal((await docker.exec(id, hostile)).stdout, "$(id)|; rm -rf /|it's|-n|a\nb|");
    });
  }
});

test('a terminal in a container has its size and passes the exit code on', async () => {
  for (const link of links) {
    await withContainer(link, { Cmd: ['sleep', '600'] }, async (id, docker) => {
      await docker.startContainer(id);
      const shell = await docker.execInteractive(id, ['sh'], { tty: true });
      await shell.resize({ rows: 33, columns: 101 });
      shell.stream.write('stty size; exit 5\n');
      let text = '';
      for await (const chunk of shell.stream) text += String(chunk);
      assert.match(text, /33 101/);
      assert.equal(await shell.exitCode(), 5);
    });
  }
});

test('an attached container echoes what it is given', async () => {
  for (const link of links) {
    const body = { Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true };
    await withContainer(link, body, async (id, docker) => {
      const stream = await docker.attachContainer(id, { stdin: true });
      await docker.startContainer(id);
      stream.end('through and through');
      let text = '';
      for await (const { bytes } of demultiplex(stream)) text += String(bytes);
      assert.equal(text, 'through and through');
      assert.equal(await docker.waitContainer(id), 0);
    });
  }
});

test('files go into and come out of a container that does not run', async () => {
  for (const link of links) {
    await withContainer(link, { Cmd: ['true'] }, async (id, docker) => {
      const tar = pack();
      tar.entry({ name: 'a/b.txt', mode: 0o640 }, 'content');
      tar.finalize();
      await docker.putArchive(id, '/srv', Readable.from(tar));
      const chunks: Buffer[] = [];
      for await (const chunk of await docker.getArchive(id, '/srv/a/b.txt')) chunks.push(chunk as Buffer);
      assert.ok(Buffer.concat(chunks).includes('content'));
      await assert.rejects(docker.getArchive(id, '/srv/none'), isNotFound);
    });
  }
});

test('what is not there and what is in the way are told by type', async () => {
  for (const { docker, name } of links) {
    await assert.rejects(
      docker.inspectContainer('none'),
      (error) => isNotFound(error) && error instanceof Error,
    );
    const network = { Name: 'test-net', IPAM: { Config: [{ Subnet: '10.77.0.0/24' }] }, Labels: { a: 'b' } };
    const id = await docker.createNetwork(network);
    try {
      await assert.rejects(docker.createNetwork({ Name: 'test-net' }), isConflict, name);
      assert.equal((await docker.listNetworks({ filters: { label: ['a=b'] } })).length, 1);
    } finally {
      await docker.removeNetwork(id);
    }
    await docker.createVolume({ Name: 'test-volume', Labels: { a: 'b' } });
    assert.equal((await docker.inspectVolume('test-volume')).Labels?.a, 'b');
    await docker.removeVolume('test-volume');
    await assert.rejects(docker.inspectVolume('test-volume'), isNotFound);
  }
});

test("a port on a host's loopback is reached through ssh", async () => {
  for (const link of links) {
    const program =
      'require("net").createServer((s) => s.end("hello")).listen(18500, "127.0.0.1", () => console.log("up"))';
    const body = { Cmd: ['node', '-e', program], HostConfig: { NetworkMode: 'host' } };
    await withContainer(link, body, async (id, docker) => {
      await docker.startContainer(id);
      for await (const { line } of docker.containerLogs(id, { follow: true })) if (line === 'up') break;
      const target = await link.forwardTcp(18500);
      assert.deepEqual(await link.forwardTcp(18500), target);
      const socket = 'socketPath' in target ? connect(target.socketPath) : connect(target.port, target.host);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      assert.equal(text, 'hello');
    });
  }
});
