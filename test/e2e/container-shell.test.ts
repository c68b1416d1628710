/** The shell that the edge loop keeps in its nginx container, on a real engine. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SeawallError } from '../../src/errors.ts';
import { ContainerShell, Docker, isConflict } from '../../src/hosts/index.ts';

const docker = new Docker('/var/run/docker.sock');
const container = `seawall-shell-test-${process.pid}`;
const programs = {
  say: 'printf "%s|" "$1"; echo to stderr >&2; return 3',
  hang: 'sleep 60',
  many: 'seq 1 200000',
};
const shell = new ContainerShell({ docker, container, programs });
const call = { signal: new AbortController().signal, timeoutMs: 20_000 };

before(async () => {
  await docker.createContainer(container, {
    Image: 'nginx:1.30',
    Entrypoint: ['sleep', '600'],
    Cmd: [],
    HostConfig: { NetworkMode: 'none', Init: true },
  });
  await docker.startContainer(container);
});
after(async () => {
  shell.close();
  await docker.removeContainer(container, { force: true });
});

test('each program gets its argument as it is, and gives its output and its exit code', async () => {
  for (const argument of ['plain', '', '$(id) `id` "\'; rm -rf / #', '-n', '%s\\n', 'ü✓']) {
    assert.deepEqual(await shell.run('say', argument, call), {
      exitCode: 3,
      output: `${argument}|to stderr\n`,
    });
  }
});

test('questions that come at the same time are answered in their order, long answers whole', async () => {
  const answers = await Promise.all(['a', 'b', 'c'].map((word) => shell.run('say', word, call)));
  assert.deepEqual(
    answers.map(({ output }) => output[0]),
    ['a', 'b', 'c'],
  );
  assert.equal((await shell.run('many', '', call)).output.trimEnd().split('\n').length, 200_000);
});

test('a program that hangs is given up, and the next question is answered by another shell', async () => {
  await assert.rejects(
    shell.run('hang', '', { ...call, timeoutMs: 300 }),
    (error: unknown) => error instanceof SeawallError && error.code === 'timeout',
  );
  assert.equal((await shell.run('say', 'again', call)).output, 'again|to stderr\n');
});

test('a line break in an argument is refused', () => {
  assert.throws(() => shell.run('say', 'a\nb', call), SeawallError);
});

test('a container that was restarted is asked again; one that does not run is a conflict', async () => {
  await docker.killContainer(container, 'SIGKILL');
  await docker.waitContainer(container);
  await assert.rejects(
    shell.run('say', 'x', call).catch(() => shell.run('say', 'x', call)),
    isConflict,
  );
  await docker.startContainer(container);
  assert.equal((await shell.run('say', 'back', call)).output, 'back|to stderr\n');
});
