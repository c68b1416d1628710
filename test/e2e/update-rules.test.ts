import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask, expectCode, type Finished, onHost, projectFolder, seawall, underLoad } from './core/stage.ts';

const DOMAIN = 'rules.example';
const project = projectFolder('rules');
routeTo(8000);
labelHosts();

type Env = Readonly<Record<string, string>>;

/** Writes the route; the app listens where PORT says. */
function routeTo(port: number): void {
  const routes = { [DOMAIN]: { service: 'web', port, tls: 'off' } };
  writeFileSync(join(project.folder, 'seawall.yml'), JSON.stringify({ routes }));
}

/** host2 and host3 have an SSD; replicas belong there. */
function labelHosts(): void {
  const file = join(project.folder, 'lab.yml');
  const settings = JSON.parse(readFileSync(file, 'utf8'));
  for (const name of ['host2', 'host3']) settings.hosts[name].labels = { disk: 'ssd' };
  settings.hosts.host1.labels = { disk: 'hdd' };
  writeFileSync(file, JSON.stringify(settings));
}

const deploy = (env: Env): Promise<Finished> => seawall(project, ['deploy', '--yes'], { env });

interface Row {
  readonly service: string;
  readonly replica: number;
  readonly host: string;
  readonly release: number;
  readonly container: string;
  readonly state: string;
  readonly address: string;
}

async function rows(env: Env = {}): Promise<Row[]> {
  const { stdout } = await expectCode(0, project, ['ps', '--json'], { env });
  return (JSON.parse(stdout) as { replicas: Row[] }).replicas;
}

const hostsOf = (all: readonly Row[], service: string): string[] =>
  all
    .filter((row) => row.service === service)
    .map(({ host }) => host)
    .sort();

async function versions(): Promise<Record<string, number>> {
  const seen: Record<string, Set<string>> = {};
  for (let count = 0; count < 40; count++) {
    const { status, body } = await ask('/', DOMAIN);
    assert.equal(status, 200, body);
    const { version, instance } = JSON.parse(body) as { version: string; instance: string };
    seen[version] = (seen[version] ?? new Set()).add(instance);
  }
  return Object.fromEntries(Object.entries(seen).map(([version, each]) => [version, each.size]));
}

/** What `work` does must lose no request; the figures go into the result file. */
async function lossless(t: TestContext, what: string, work: () => Promise<void>): Promise<void> {
  const report = await underLoad({ hostHeader: DOMAIN, rate: 20, mix: 'get=100' }, work);
  t.diagnostic(`${what}: ${report.requests} requests, ${report.failed} failed`);
  assert.ok(report.requests > 100, `too few requests to mean anything: ${report.requests}`);
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
}

/** Beginning of the addresses of replicas on a host: what is told to fail there fails on half of the replicas. */
async function addressesOn(host: string): Promise<string> {
  const row = (await rows()).find((each) => each.service === 'web' && each.host === host);
  return String(row?.address).split('.').slice(0, 3).join('.');
}

test('replicas go where constraints on labels, names and roles allow, at most so many to a host', async () => {
  const { code, stdout, stderr } = await deploy({});
  assert.equal(code, 0, stdout + stderr);
  const all = await rows();
  assert.deepEqual(hostsOf(all, 'web'), ['host2', 'host2', 'host3', 'host3']);
  assert.deepEqual(hostsOf(all, 'cache'), ['host2']);
  assert.deepEqual(hostsOf(all, 'reader'), ['host3']);
  const refused = await seawall(project, ['plan'], { env: { REPLICAS: '5' } });
  assert.match(refused.stdout, /5 replicas do not fit: at most 2 on each of 2 hosts/);
});

test('a dependency on another host that is replaced takes its dependents with it, and nobody else', async () => {
  const before = await rows();
  const env = { CACHE_VERSION: 'v2' };
  const { stdout: plan } = await expectCode(0, project, ['plan'], { env });
  assert.match(plan, /depends_on\.cache\.restart: cache is newer/);
  const since = (await onHost('host2', ['date', '+%s'])).stdout.trim();
  await expectCode(0, project, ['deploy', '--yes'], { env });
  const after = await rows(env);
  const containers = (all: readonly Row[], service: string) =>
    all.filter((row) => row.service === service).map(({ container }) => container);
  assert.deepEqual(containers(after, 'web'), containers(before, 'web'));
  for (const service of ['cache', 'reader'])
    assert.notDeepEqual(containers(after, service), containers(before, service), service);
  const kills = await onHost('host2', [
    ...['docker', 'events', '--since', since, '--until', '0s', '--filter', 'event=kill'],
    ...['--format', "'{{.Actor.Attributes.signal}}'"],
  ]);
  assert.match(kills.stdout, /^2$/m, 'stop_signal is SIGINT');
  assert.match((await expectCode(0, project, ['plan'], { env })).stdout, /No change/);
});

const settled = { CACHE_VERSION: 'v2' };

test('the port of a route and of its app change in one deploy without losing a request', async (t) => {
  t.after(() => routeTo(8000));
  routeTo(9000);
  await lossless(t, 'port 8000 → 9000', async () => {
    await expectCode(0, project, ['deploy', '--yes'], { env: { ...settled, PORT: '9000' } });
  });
  assert.equal((JSON.parse((await ask('/', DOMAIN)).body) as { port: number }).port, 9000);
  routeTo(8000);
  await lossless(t, 'port 9000 → 8000, two at a time', async () => {
    await expectCode(0, project, ['deploy', '--yes'], { env: { ...settled, PARALLELISM: '2', DELAY: '1s' } });
  });
});

test('failure_action pause stops where it is, says so everywhere, and a rollback leads back', async (t) => {
  const failing = { ...settled, VERSION: 'v2', ACTION: 'pause', FAIL_AT: await addressesOn('host3') };
  await lossless(t, 'a deploy that is paused, then a rollback', async () => {
    const paused = await deploy(failing);
    assert.equal(paused.code, 6, paused.stdout + paused.stderr);
    assert.match(paused.stdout, /is paused, as its failure_action says/);
    assert.match(paused.stdout, /told to fail/);
    assert.match(paused.stdout, /seawall rollback, or seawall deploy/);
    assert.ok((await versions()).v1, 'the old release still serves beside the new one');
    const plan = await expectCode(0, project, ['plan'], { env: failing });
    assert.match(plan.stdout, /Release \d+ runs beside the one before: paused by the failure_action of web/);
    assert.match(plan.stdout, /~ web-/);
    assert.match(
      (await expectCode(0, project, ['ps'], { env: failing })).stdout,
      /runs beside the one before/,
    );
    await expectCode(0, project, ['rollback', '--yes'], { env: failing });
  });
  assert.deepEqual(await versions(), { v1: 4 });
  assert.doesNotMatch((await expectCode(0, project, ['ps'], { env: settled })).stdout, /beside/);
});

test('a replica that dies after it became healthy but within monitor brings the old release back', async () => {
  const dying = { ...settled, VERSION: 'v3', MONITOR: '90s', FAIL_AT: '10.', FAIL_AFTER_S: '20' };
  const failed = await deploy(dying);
  assert.equal(failed.code, 1, failed.stdout + failed.stderr);
  assert.match(failed.stdout, /soon after it became healthy/);
  assert.deepEqual(await versions(), { v1: 4 });
});

test('failure_action continue replaces what it can, and the next deploy makes it whole', async (t) => {
  const failing = { ...settled, VERSION: 'v4', ACTION: 'continue', FAIL_AT: await addressesOn('host3') };
  await lossless(t, 'a deploy that goes on, then one that makes it whole', async () => {
    const mixed = await deploy(failing);
    assert.equal(mixed.code, 6, mixed.stdout + mixed.stderr);
    assert.match(mixed.stdout, /some of its replicas failed/);
    assert.deepEqual(await versions(), { v1: 2, v4: 2 });
    await expectCode(0, project, ['deploy', '--yes'], { env: { ...settled, VERSION: 'v5' } });
  });
  assert.deepEqual(await versions(), { v5: 4 });
});

test('one failure more than max_failure_ratio brings everything back', async (t) => {
  const failing = { ...settled, VERSION: 'v6', RATIO: '0.25', FAIL_AT: await addressesOn('host3') };
  await lossless(t, 'a deploy above max_failure_ratio', async () => {
    const failed = await deploy(failing);
    assert.equal(failed.code, 1, failed.stdout + failed.stderr);
  });
  assert.deepEqual(await versions(), { v5: 4 });
  await expectCode(0, project, ['down', '--yes'], { env: settled });
});
