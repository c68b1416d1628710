import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Docker, localSocket } from '../src/hosts/index.ts';

const seawall = resolve(import.meta.dirname, '../bin/seawall');
const image = 'debian:trixie-slim';
const project = `clitest${process.pid}`;
const docker = new Docker(localSocket());
const isThere = await docker.inspectImage(image).then(
  () => true,
  () => false,
);

let folder = '';
const containers: string[] = [];

/** A container with the labels of a replica: what the looking and operating commands go by. */
async function startReplica(replica: number, release = 7, logDriver?: string): Promise<string> {
  const labels = { project, service: 'web', kind: 'replica', replica: `${replica}`, release: `${release}` };
  const script = `echo first of ${replica}; echo complaint of ${replica} >&2; exec sleep 600`;
  const id = await docker.createContainer(`${project}-web-${replica}`, {
    Image: image,
    Cmd: ['sh', '-c', script],
    Labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [`seawall.${key}`, value])),
    HostConfig: { Init: true, ...(logDriver === undefined ? {} : { LogConfig: { Type: logDriver } }) },
  });
  containers.push(id);
  await docker.startContainer(id);
  return id;
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(program: string, args: readonly string[]) {
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (output.stdout += text));
  child.stderr.on('data', (text) => (output.stderr += text));
  child.stdin.on('error', () => {});
  const end = new Promise<Outcome>((done) => child.on('close', (code) => done({ code, ...output })));
  return { child, output, end };
}

function call(args: readonly string[], input: string | Buffer = ''): Promise<Outcome> {
  const { child, end } = start(seawall, args);
  child.stdin.end(input);
  return end;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `not within 30 s: ${what}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}

describe('commands on running replicas', { skip: isThere ? false : `no Docker with ${image} here` }, () => {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'seawall-cli-docker-'));
    await writeFile(
      join(folder, 'compose.yaml'),
      `name: ${project}\nservices:\n  web: { image: ${image}, deploy: { replicas: 3 } }\n`,
    );
    await startReplica(1);
    await startReplica(2);
  });

  after(async () => {
    for (const id of containers) await docker.removeContainer(id, { force: true }).catch(() => {});
    docker.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('exec passes on input, both outputs and the exit code, byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
    const sum = await call(['exec', 'web', 'sh', '-c', 'sha256sum; echo oops >&2; exit 7'], bytes);
    const { createHash } = await import('node:crypto');
    assert.equal(sum.stdout, `${createHash('sha256').update(bytes).digest('hex')}  -\n`);
    assert.equal(sum.stderr, 'oops\n');
    assert.equal(sum.code, 7);
  });

  test("options after the service are the program's, those before are Seawall's", async () => {
    const { stdout } = await call([
      'exec',
      '-e',
      'X=1',
      '--replica',
      '2',
      'web',
      'sh',
      '-c',
      'echo $X $0 $1',
      '--json',
      '--help',
    ]);
    assert.equal(stdout, '1 --json --help\n');
  });

  test('exec chooses the replica that is asked for, and says which there are', async () => {
    const host = await call(['exec', '--replica', '2', 'web', 'cat', '/etc/hostname']);
    assert.equal(containers[1]?.startsWith(host.stdout.trim()), true);
    const none = await call(['exec', '--replica', '9', 'web', 'true']);
    assert.equal(none.code, 125);
    assert.match(none.stderr, /no replica 9 of web is running\n {2}→ Running: 1 on local, 2 on local/);
  });

  test('on a terminal the program has one too: size, keys, Ctrl-C, exit code', async () => {
    const command = `stty rows 33 columns 77; ${seawall} exec web sh`;
    const { child, output, end } = start('script', ['-qefc', command, '/dev/null']);
    await until('a shell', () => output.stdout.includes('# '));
    child.stdin.write('stty size; sleep 100\n');
    await until('the size', () => output.stdout.includes('33 77'));
    child.stdin.write('\u0003');
    child.stdin.write('echo still $((40 + 2)); exit 5\n');
    await until('the shell after Ctrl-C', () => output.stdout.includes('still 42'));
    assert.equal((await end).code, 5);
  });

  test('ps lists what runs and what is missing', async () => {
    const { code, stdout } = await call(['ps', '--json']);
    assert.equal(code, 0);
    // Where this machine is a host of a cluster, its registrar sees these containers too and says how they are.
    const isUp = /^(running|starting|healthy|unhealthy)$/;
    const { replicas } = JSON.parse(stdout) as {
      replicas: { service: string; replica: number; state: string; release: number | null }[];
    };
    assert.deepEqual(
      replicas.map(({ service, replica, state, release }) => [
        service,
        replica,
        isUp.test(state) ? 'up' : state,
        release,
      ]),
      [
        ['web', 1, 'up', 7],
        ['web', 2, 'up', 7],
        ['web', 3, 'missing', null],
      ],
    );
    assert.match((await call(['ps'])).stdout, /web-3 +missing/);
  });

  test('logs are merged over replicas, and one replica can be asked for', async () => {
    const all = await call(['logs']);
    assert.deepEqual(all.stdout.trim().split('\n').sort(), [
      'web-1 local | complaint of 1',
      'web-1 local | first of 1',
      'web-2 local | complaint of 2',
      'web-2 local | first of 2',
    ]);
    const one = await call(['logs', 'web-2', '--no-prefix']);
    assert.deepEqual(one.stdout.trim().split('\n').sort(), ['complaint of 2', 'first of 2']);
    const json = await call(['logs', 'web-1', '--json', '-n', '1']);
    assert.equal((JSON.parse(json.stdout) as { replica: number }).replica, 1);
  });

  test('logs -f shows replicas that start later and go on after a restart, nothing twice; Ctrl-C ends it', async () => {
    const { child, output, end } = start(seawall, ['logs', '-f']);
    await until('the first lines', () => output.stdout.includes('first of 2'));
    const id = await startReplica(3);
    await until('the new replica', () => output.stdout.includes('first of 3'));
    await docker.restartContainer(id, 0);
    await until('its second life', () => output.stdout.split('web-3 local | first of 3').length === 3);
    child.kill('SIGINT');
    const { code, stderr, stdout } = await end;
    assert.equal(stderr, '');
    assert.equal(code, 130);
    assert.equal(stdout.split('first of 1').length, 2);
    await docker.removeContainer(id, { force: true });
  });

  test('logs -f of a service and of one of its replicas shows every line once', async () => {
    const { child, output, end } = start(seawall, ['logs', '-f', 'web', 'web-1']);
    await until(
      'the lines of both',
      () => /(first|complaint) of 1[\s\S]*of 1/.test(output.stdout) && /of 2[\s\S]*of 2/.test(output.stdout),
    );
    await docker.exec(containers[0] ?? '', ['sh', '-c', 'echo one more > /proc/1/fd/1']);
    await until('a further line', () => output.stdout.includes('one more'));
    child.kill('SIGINT');
    const { stdout } = await end;
    for (const line of ['first of 1', 'first of 2', 'one more'])
      assert.equal(stdout.split(line).length, 2, line);
  });

  test('a replica whose logging driver keeps nothing is left out with a remark, and the others are shown', async () => {
    const id = await startReplica(3, 7, 'none');
    const { code, stdout, stderr } = await call(['logs']);
    assert.equal(stderr, 'web-3: its logging driver keeps nothing to read\n');
    assert.equal(code, 0);
    assert.match(stdout, /first of 1/);
    assert.match(stdout, /first of 2/);
    const { child, output, end } = start(seawall, ['logs', '-f']);
    await until('the others', () => /first of 1/.test(output.stdout) && /first of 2/.test(output.stdout));
    await docker.restartContainer(id, 0);
    child.kill('SIGINT');
    assert.equal((await end).stderr, 'web-3: its logging driver keeps nothing to read\n');
    await docker.removeContainer(id, { force: true });
  });

  test('a reader that goes away ends logs -f', async () => {
    const { end } = start('sh', ['-c', `"${seawall}" logs -f | head -n 1`]);
    const stop = startLater();
    assert.match((await end).stdout, /^web-\d local \| /);
    await stop();
  });
});

/** Something has to be written for a gone reader to be noticed. */
function startLater(): () => Promise<void> {
  let isOver = false;
  const talking = (async () => {
    while (!isOver) {
      await docker.exec(containers[0] ?? '', ['sh', '-c', 'echo more > /proc/1/fd/1']).catch(() => {});
      await new Promise((next) => setTimeout(next, 200));
    }
  })();
  return async () => {
    isOver = true;
    await talking;
  };
}
