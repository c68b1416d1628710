import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import type { Desired, DesiredService } from '../compose/desired.ts';
import { Docker, type HostLink, localSocket } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { dockerNetworkName } from '../plan/index.ts';
import type { LocalStreams } from './attach.ts';
import { type Overrides, oneOffService } from './one-off.ts';
import { healthOf } from './replicas.ts';
import { type RunRequest, runOneOff } from './run.ts';

const image = 'debian:trixie-slim';
const project = `tasktest${process.pid}`;
const docker = new Docker(localSocket());
const isThere = await docker.inspectImage(image).then(
  () => true,
  () => false,
);

const service: DesiredService = {
  ...{ name: 'web', image, pull: 'missing', kind: 'replica', replicas: 1, mounts: [], dependsOn: {} },
  container: {
    Env: ['COLOUR=red', 'SIZE=1'],
    Cmd: ['sh', '-c', 'echo own command'],
    HostConfig: { Init: true },
  },
  health: { kind: 'running' },
  ports: [{ target: 80, published: 80, protocol: 'tcp', hostAddress: '127.0.0.1', allow: [] }],
  networks: { default: { aliases: [] }, back: { aliases: [] } },
  placement: { constraints: [], maxPerHost: 0 },
  update: {
    parallelism: 1,
    delayMs: 0,
    monitorMs: 0,
    order: 'start-first',
    failureAction: 'rollback',
    maxFailureRatio: 0,
  },
  rollback: {
    parallelism: 1,
    delayMs: 0,
    monitorMs: 0,
    order: 'start-first',
    failureAction: 'rollback',
    maxFailureRatio: 0,
  },
  ...{ drainMs: 0, stopGraceMs: 1000 },
};

const desired: Desired = {
  ...{ project, services: { web: service }, volumes: {}, routes: [], contents: {}, notices: [] },
  networks: { default: { name: 'default', internal: false }, back: { name: 'back', internal: true } },
};

const link: HostLink = {
  ...{ name: 'local', address: '127.0.0.1', roles: ['app'], labels: {}, docker, local: true },
  forwardTcp: async (port) => ({ host: '127.0.0.1', port }),
  exec: () => Promise.reject(new Error('not needed')),
  close() {},
};

const plainOverrides: Overrides = { argv: [], env: [], tty: false };

function request(more: Partial<RunRequest> = {}): RunRequest {
  return {
    ...{ desired, service: 'web', release: 3, cluster: 'c', links: [link], remove: true, suffix: 'abc123' },
    privateAddresses: new Map([['local', '127.0.0.1']]),
    overrides: plainOverrides,
    signal: new AbortController().signal,
    ...more,
  };
}

/** Pipes in place of the user's streams. */
function pipes(input: string) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const text = { stdout: '', stderr: '' };
  stdout.on('data', (part) => (text.stdout += part));
  stderr.on('data', (part) => (text.stderr += part));
  return { local: { stdin, stdout, stderr } as unknown as LocalStreams, text };
}

const leftOver = async () =>
  (await docker.listContainers({ all: true, labels: [`${LABEL.project}=${project}`] })).map(
    ({ Names }) => Names[0],
  );

describe('a one-off container', { skip: isThere ? false : `no Docker with ${image} here` }, () => {
  before(async () => {
    for (const network of ['default', 'back']) {
      await docker.createNetwork({
        Name: dockerNetworkName(project, network),
        Driver: 'bridge',
        Internal: network === 'back',
      });
    }
  });

  after(async () => {
    for (const { Id } of await docker.listContainers({
      all: true,
      labels: [`${LABEL.project}=${project}`],
    })) {
      await docker.removeContainer(Id, { force: true });
    }
    for (const network of ['default', 'back'])
      await docker.removeNetwork(dockerNetworkName(project, network));
    docker.close();
  });

  test("runs the service's own command in its networks, and is gone afterwards", async () => {
    const { local, text } = pipes('');
    assert.equal(await runOneOff(request(), local), 0);
    assert.equal(text.stdout, 'own command\n');
    assert.deepEqual(await leftOver(), []);
  });

  test('takes input, a program and variables, and passes the exit code on', async () => {
    const { local, text } = pipes('words\n');
    const argv = ['sh', '-c', 'cat; echo $COLOUR $SIZE; ls /sys/class/net | wc -l; echo oops >&2; exit 9'];
    const code = await runOneOff(
      request({ overrides: { ...plainOverrides, argv, env: ['COLOUR=blue'] } }),
      local,
    );
    assert.equal(code, 9);
    assert.equal(text.stdout, 'words\nblue 1\n3\n');
    assert.equal(text.stderr, 'oops\n');
  });

  test('is stopped and removed when its user interrupts it', async () => {
    const stop = new AbortController();
    const { local, text } = pipes('');
    const argv = ['sh', '-c', 'echo up; sleep 600'];
    const run = runOneOff(request({ overrides: { ...plainOverrides, argv }, signal: stop.signal }), local);
    const deadline = Date.now() + 30_000;
    while (!text.stdout.includes('up')) {
      assert.ok(Date.now() < deadline, 'it did not come up');
      await new Promise((next) => setTimeout(next, 20));
    }
    stop.abort(new Error('enough'));
    await assert.rejects(run, /enough/);
    assert.deepEqual(await leftOver(), []);
  });

  test('is removed when its program does not exist, and the reason is told', async () => {
    const { local } = pipes('');
    const bare = { ...service, container: { HostConfig: {}, Cmd: ['/no/such'] } };
    const broken = { ...desired, services: { web: bare } };
    await assert.rejects(runOneOff(request({ desired: broken }), local), /no such file/);
    assert.deepEqual(await leftOver(), []);
  });

  test('is kept when that is asked for', async () => {
    const { local } = pipes('');
    await runOneOff(request({ remove: false, suffix: 'kept' }), local);
    assert.deepEqual(await leftOver(), [`/${project}-web-run-kept`]);
  });

  test('is refused where the project was not deployed, saying what is missing', async () => {
    const elsewhere = { ...desired, project: `${project}x` };
    const { local } = pipes('');
    await assert.rejects(runOneOff(request({ desired: elsewhere }), local), {
      code: 'refused',
      hint: 'Deploy it first: seawall deploy',
      message: new RegExp(`local has no network seawall\\.${project}x\\.default, network`),
    });
  });
});

test('a one-off container has no health check, and the last of two values of a variable', () => {
  const { container } = oneOffService(service, {
    ...plainOverrides,
    env: ['SIZE=2', 'A=1'],
    entrypoint: 'cat',
  });
  assert.deepEqual(container.Env, ['A=1', 'COLOUR=red', 'SIZE=2']);
  assert.deepEqual(container.Healthcheck, { Test: ['NONE'] });
  assert.deepEqual([container.Entrypoint, container.Cmd], [['cat'], []]);
});

test("Docker's words for a health check are understood", () => {
  assert.equal(healthOf('Up 3 minutes (healthy)'), 'healthy');
  assert.equal(healthOf('Up 3 minutes (unhealthy)'), 'unhealthy');
  assert.equal(healthOf('Up 2 seconds (health: starting)'), 'starting');
  assert.equal(healthOf('Up 3 minutes'), 'none');
});
