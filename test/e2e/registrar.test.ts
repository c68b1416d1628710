import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { clearDraining, markDraining, watchService } from '../../src/catalog/index.ts';
import type { Instance } from '../../src/catalog/record.ts';
import { Docker } from '../../src/hosts/index.ts';
import { watchRegistrar } from '../../src/registrar/index.ts';
import { eventually, startTestCatalog, type TestCatalog } from '../test-catalog.ts';

/*
 * A real engine and a real catalog. Whatever else runs on the engine is registered too, under a host name of the
 * test's own; the tests look at services of their own names only.
 */

const run = promisify(execFile);
const docker = async (...argv: string[]): Promise<string> => (await run('docker', argv)).stdout.trim();
const image = 'nginx:1.30';

interface Bench {
  readonly catalog: TestCatalog;
  /** Name of the service and of the container. */
  readonly name: string;
  readonly id: string;
  /** Starts a registrar; ending it is the caller's or the test's end. */
  readonly begin: (change?: { blind?: boolean; relistMs?: number }) => () => Promise<void>;
  readonly run: (...argv: string[]) => Promise<string>;
  readonly instances: () => Promise<Instance[]>;
  /** Waits until the service has exactly one instance of which this holds. */
  readonly one: (what: string, holds: (instance: Instance) => boolean) => Promise<Instance>;
  readonly none: (what: string) => Promise<unknown>;
}

async function bench(t: TestContext): Promise<Bench> {
  const catalog = await startTestCatalog(t);
  const name = `reg-${randomBytes(4).toString('hex')}`;
  const host = { name: `host-${name}`, privateAddress: hostAddress() };
  const engine = new Docker('/var/run/docker.sock');
  const ends = new Set<() => Promise<void>>();
  t.after(async () => {
    for (const end of ends) await end();
    engine.close();
    const left = await docker('ps', '-aq', '--filter', `label=${name}`);
    if (left !== '') await docker('rm', '-fv', ...left.split('\n'));
    const networks = await docker('network', 'ls', '-q', '--filter', `label=${name}`);
    if (networks !== '') await docker('network', 'rm', ...networks.split('\n'));
  });
  const begin: Bench['begin'] = ({ blind = false, relistMs = 15_000 } = {}) => {
    const stop = new AbortController();
    const part = {
      listContainers: engine.listContainers.bind(engine),
      inspectContainer: engine.inspectContainer.bind(engine),
      exec: engine.exec.bind(engine),
      events: blind ? noEvents : engine.events.bind(engine),
    };
    const { client } = catalog;
    const { signal } = stop;
    const ended = watchRegistrar({
      client,
      docker: part,
      host,
      signal,
      log: (line) => t.diagnostic(line),
      relistMs,
    });
    const end = async () => {
      stop.abort();
      await ended;
      ends.delete(end);
    };
    ends.add(end);
    return end;
  };
  const instances = async () => (await catalog.client.serviceInstances(name)).value;
  return {
    catalog,
    name,
    id: `${host.name}:${name}:80`,
    begin,
    run: (...argv) =>
      docker('run', '-d', '--label', name, '--name', name, '-e', `SERVICE_NAME=${name}`, ...argv),
    instances,
    one: (what, holds) =>
      eventually(what, async () => {
        const [instance, ...others] = await instances();
        return instance !== undefined && others.length === 0 && holds(instance) && instance;
      }),
    none: (what) => eventually(what, async () => (await instances()).length === 0),
  };
}

/** Events that never come, as on an engine whose stream hangs. */
async function* noEvents({ signal }: { signal?: AbortSignal | undefined } = {}): AsyncGenerator<never> {
  await new Promise((resolve) => signal?.addEventListener('abort', resolve));
}

/** Any address of this machine that is not loopback stands in for the host's private address. */
function hostAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  assert.ok(found, 'this machine has no address but loopback');
  return found.address;
}

const passing = ({ status }: Instance): boolean => status === 'passing';
const critical = ({ status }: Instance): boolean => status === 'critical';

test('nginx that somebody starts by hand is in the catalog while it serves, and only then', async (t) => {
  const { begin, run, one, none, name, id } = await bench(t);
  begin();
  const container = await run('-p', '80', image);
  const instance = await one('the container is registered and well', passing);
  const published = (await docker('port', name, '80/tcp')).split('\n')[0]?.split(':').at(-1);
  assert.equal(instance.id, id);
  assert.deepEqual([instance.address, instance.port], [hostAddress(), Number(published)]);
  assert.equal(instance.meta['seawall-container'], container);
  const answer = await fetch(`http://${instance.address}:${instance.port}/`);
  assert.equal(answer.status, 200);

  await docker('pause', name);
  await one('a paused container is critical', (it) => critical(it) && it.output === 'paused');
  await docker('unpause', name);
  await one('it is well again', passing);
  await docker('restart', '-t', '1', name);
  await one(
    'after a restart it is well again',
    (it) => passing(it) && it.meta['seawall-started'] !== instance.meta['seawall-started'],
  );
  await docker('stop', '-t', '1', name);
  await none('a stopped container is not registered');
  await docker('start', name);
  await one('a started one is', passing);
  await docker('rename', name, `${name}-x`);
  await one('a renamed one is there once, under its new name', (it) => it.id.includes(`:${name}-x:`));
  await docker('rm', '-f', `${name}-x`);
  await none('a removed one is gone');
});

test('a replica with a HEALTHCHECK is well as soon as its command succeeds, however long the interval', async (t) => {
  const { begin, run, one, name } = await bench(t);
  begin();
  const health = [
    '--health-cmd',
    'test -e /tmp/ready || { echo not ready yet; false; }',
    '--health-interval',
    '1h',
  ];
  await run(...health, '-p', '80', image);
  await one('what the command says is told', (it) => critical(it) && it.output.includes('not ready yet'));
  await docker('exec', name, 'touch', '/tmp/ready');
  await one('it is well', passing);
});

test("Docker's own verdict counts once it has one", async (t) => {
  const { begin, run, one, name } = await bench(t);
  begin();
  const health = [
    '--health-cmd',
    'test ! -e /tmp/broken',
    '--health-interval',
    '1s',
    '--health-retries',
    '2',
  ];
  await run(...health, '-p', '80', image);
  await one('it is well', passing);
  await docker('exec', name, 'touch', '/tmp/broken');
  await one('it is broken', critical);
  await docker('exec', name, 'rm', '/tmp/broken');
  await one('it is well again', passing);
});

test('a container that ends again and again is critical, and the catalog says how it ended', async (t) => {
  const { begin, run, one } = await bench(t);
  begin();
  await run('--restart', 'always', '-p', '18080:80', image, 'sh', '-c', 'sleep 0.3; exit 7');
  await one('the exit code is told', (it) => critical(it) && it.output.includes('exited with 7'));
});

test('replicas of a project are registered with their address in its network, tasks are not', async (t) => {
  const { begin, name, catalog } = await bench(t);
  const network = `seawall.${name}.default`;
  await docker('network', 'create', '--label', name, network);
  begin();
  const start = (kind: string, service: string, health: object, ...argv: string[]) => {
    const labels = {
      project: name,
      service,
      kind,
      replica: '1',
      release: '1',
      health: JSON.stringify(health),
    };
    const options = Object.entries(labels).flatMap(([key, value]) => ['--label', `seawall.${key}=${value}`]);
    const own = `${name}-${service}-1`;
    return docker('run', '-d', '--label', name, '--name', own, '--network', network, ...options, ...argv);
  };
  await start('task', 'migrate', { kind: 'running', monitorMs: 0 }, image, 'sleep', '60');
  const web = await start(
    'replica',
    'web',
    { kind: 'http', port: 80, path: '/' },
    '--label',
    'seawall.port=80',
    image,
  );
  await start('replica', 'worker', { kind: 'running', monitorMs: 1000 }, image, 'sleep', '60');
  const wellOf = (service: string) =>
    eventually(`${service} is well`, async () => {
      const [instance] = (await catalog.client.serviceInstances(`${name}-${service}`)).value;
      return instance?.status === 'passing' && instance;
    });
  const instance = await wellOf('web');
  const path = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
  const address = await docker('inspect', '--format', path, web);
  assert.deepEqual([instance.address, instance.port], [address, 80]);
  assert.deepEqual(JSON.parse(instance.meta['seawall-addresses'] ?? ''), { default: address });
  assert.equal((await wellOf('worker')).port, 0);
  assert.deepEqual((await catalog.client.serviceInstances(`${name}-migrate`)).value, []);
  await docker('rm', '-f', `${name}-web-1`);
  await eventually(
    'the replica is gone',
    async () => (await catalog.client.serviceInstances(`${name}-web`)).value.length === 0,
  );
});

test('an app that stops answering is taken out, and comes back', async (t) => {
  const { begin, run, one, name } = await bench(t);
  begin();
  await run('-e', 'SERVICE_CHECK_HTTP=/up', '-e', 'SERVICE_CHECK_INTERVAL=1s', '-p', '80', image);
  await one(
    'a page that is not there is not well',
    (it) => critical(it) && it.output.includes('answered 404'),
  );
  await docker('exec', name, 'touch', '/usr/share/nginx/html/up');
  await one('it is well', passing);
  await docker('exec', name, 'rm', '/usr/share/nginx/html/up');
  await one('it is taken out', critical);
});

test('containers that follow each other quickly under one name leave the last one in the catalog', async (t) => {
  const { begin, run, one, name } = await bench(t);
  begin();
  let last = '';
  for (let turn = 0; turn < 4; turn++) {
    if (last !== '') await docker('rm', '-f', name);
    last = await run('-p', '80', image);
  }
  await one('the last one serves', (it) => passing(it) && it.meta['seawall-container'] === last);
});

test('a draining mark outlives what the registrar writes, but not its container', async (t) => {
  const { begin, run, one, name, catalog } = await bench(t);
  begin();
  await run('-p', '80', image);
  const instance = await one('it is well', passing);
  await markDraining(catalog.client, instance, 'a test');
  await docker('pause', name);
  await one('critical and draining', (it) => critical(it) && it.draining);
  await docker('unpause', name);
  await one('well and still draining', (it) => passing(it) && it.draining);
  await docker('rm', '-f', name);
  await run('-p', '80', image);
  await one('the new one under the same name does not drain', (it) => passing(it) && !it.draining);
  await clearDraining(catalog.client, instance);
});

test('a restart of the registrar is not seen, and what ended meanwhile is gone', async (t) => {
  const { begin, run, one, none, name, catalog } = await bench(t);
  const end = begin();
  await run('-p', '80', '-e', 'SERVICE_CHECK_HTTP=/', image);
  await one('it is well', passing);
  const seen = new Set<string>();
  const watch = new AbortController();
  const onChange = (all: readonly Instance[]) =>
    seen.add(all.map(({ status }) => status).join(',') || 'none');
  const watching = watchService(catalog.client, name, onChange, { signal: watch.signal });
  await end();
  const endAgain = begin({ relistMs: 200 });
  await one('it stays well', passing);
  await docker('pause', name);
  await one('the new registrar is at work', critical);
  watch.abort();
  await watching;
  assert.deepEqual(
    [...seen].filter((statuses) => statuses !== 'critical'),
    ['passing'],
  );
  await endAgain();
  await docker('rm', '-f', name);
  begin();
  await none('the container that ended while nobody looked is gone');
});

test('an entry that somebody else wrote stays as it is', async (t) => {
  const { begin, run, one, name, catalog } = await bench(t);
  const node = `host-${name}`;
  const service = { id: 'by-hand', name: 'by-hand', address: '10.0.0.9', port: 9, tags: [], meta: {} };
  await catalog.client.register({ node, nodeAddress: '10.0.0.1', service });
  begin({ relistMs: 200 });
  await run('-p', '80', image);
  await one('the container is registered', passing);
  await docker('rm', '-f', name);
  await eventually('the container is gone', async () => {
    const { value } = await catalog.client.nodeServices(node);
    return !value.some(({ name: of }) => of === name) && value.some(({ id }) => id === 'by-hand');
  });
});

test('a catalog that was away, or lost all it knew, is told again', async (t) => {
  const { begin, run, one, none, name, catalog } = await bench(t);
  begin({ relistMs: 300 });
  await run('-p', '80', image);
  await one('it is well', passing);
  await catalog.stop();
  for (const file of await readdir(catalog.dir)) await rm(join(catalog.dir, file), { recursive: true });
  await catalog.start();
  await one('it is registered anew', passing);
  await catalog.stop();
  await docker('rm', '-f', name);
  await catalog.start();
  await none('what ended while the catalog was away is gone');
});

test('without any event the listing finds what started and what ended', async (t) => {
  const { begin, run, one, none, name } = await bench(t);
  begin({ blind: true, relistMs: 300 });
  await run('-p', '80', image);
  await one('it is found', passing);
  await docker('rm', '-f', name);
  await none('it is gone');
});
