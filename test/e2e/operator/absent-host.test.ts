/** Hosts that do not answer, come back, leave in order, or are dead for good. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startHost, stopHost, takeDownLab } from '../../../lab/hosts.ts';
import { type LoadReport, reportText } from '../load/report.ts';
import { type Project, Stage } from './stage.ts';

const ALL = ['host1', 'host2', 'host3'];
let stage: Stage;
let walk: Project;
/** The app host with the store's volume, and the other one. */
let home = '';
let other = '';

interface Row {
  readonly service: string;
  readonly state: string;
  readonly host: string | null;
  readonly release: number | null;
}

const rows = async (): Promise<readonly Row[]> =>
  (JSON.parse((await walk.run(['ps', '--json'])).stdout) as { replicas: readonly Row[] }).replicas;

before(async () => {
  stage = await Stage.open('absent', { host1: ['edge'], host2: ['app'], host3: ['app'] });
  walk = stage.project();
  await walk.expect(0, ['deploy', '--yes'], { VERSION: 'v1' });
  home = (await rows()).find(({ service }) => service === 'store')?.host ?? '';
  other = home === 'host2' ? 'host3' : 'host2';
});

after(async () => {
  if (stage) await takeDownLab(stage.lab);
});

function assertLossless(report: LoadReport, versions: readonly string[]): void {
  assert.equal(report.failed, 0, reportText(report));
  const strangers = Object.keys(report.versions).filter((version) => !versions.includes(version));
  assert.deepEqual(strangers, [], JSON.stringify(report.versions));
}

const servesAgain = (): Promise<void> =>
  stage.until(
    'the edge has noticed that the host is off',
    async () => (await walk.served('host1')).join() === 'v1',
  );

test('a host that was only taken out of the file goes on serving: that is refused, with what to do', async () => {
  walk.useHosts(ALL.filter((name) => name !== other));
  for (const command of ['deploy', 'down']) {
    const { stdout, stderr } = await walk.expect(2, [command, '--yes'], { VERSION: 'v2' });
    assert.match(`${stdout}${stderr}`, /is not in seawall\.yml, and web-\d of this project runs there/);
    assert.match(`${stdout}${stderr}`, new RegExp(`seawall machine rm ${other}`));
  }
  walk.useHosts(ALL);
  await walk.expect(0, ['plan', '--exit-code'], { VERSION: 'v1' });
  assert.deepEqual(await walk.served('host1'), ['v1']);
});

test('a host that is off: a deploy goes on without it when told to, and what it brings back gets no request', async (t) => {
  await stopHost(stage.lab, other);
  await servesAgain();
  const refused = await walk.expect(5, ['deploy', '--yes'], { VERSION: 'v2' });
  assert.match(refused.stderr, /--skip-unreachable/);
  const during = await walk.underLoad('host1', async () => {
    const { stdout } = await walk.expect(0, ['deploy', '--yes', '--skip-unreachable'], { VERSION: 'v2' });
    assert.match(
      stdout,
      new RegExp(`hosts\\.${other}: does not answer and is left out; web-\\d may run there`),
    );
  });
  assertLossless(during, ['v1', 'v2']);
  assert.deepEqual(await walk.served('host1'), ['v2']);
  const back = await walk.underLoad('host1', async () => {
    await startHost(stage.lab, other);
    await stage.until('the old replica runs there again', async () =>
      (await rows()).some(
        ({ host, state, service }) => host === other && service === 'web' && state === 'draining',
      ),
    );
    // Once more over the whole path: a second start of the same container must not let it in.
    await stage.onHost(other, 'docker restart -t 1 $(docker ps -q --filter label=seawall.service=web)');
    await stage.until('it runs again and drains', async () =>
      (await rows()).some(
        ({ host, state, service }) => host === other && service === 'web' && state === 'draining',
      ),
    );
  });
  assertLossless(back, ['v2']);
  t.diagnostic(`deploy without ${other}: ${during.requests} requests, ${during.failed} failed`);
  t.diagnostic(
    `${other} back with the old release: ${back.requests} requests, ${back.failed} failed, none answered by it`,
  );
});

/** What a test before may have left switched off. */
beforeEach(async () => {
  for (const name of ALL) await startHost(stage.lab, name);
});

test('the next deploy clears away what a host brought back, and uses it again', async () => {
  await walk.expect(3, ['plan', '--exit-code'], { VERSION: 'v2' });
  await walk.expect(0, ['deploy', '--yes'], { VERSION: 'v2' });
  await walk.expect(0, ['plan', '--exit-code'], { VERSION: 'v2' });
  const web = (await rows()).filter(({ service }) => service === 'web');
  assert.deepEqual(web.map(({ host, state }) => `${host} ${state}`).sort(), [
    'host2 healthy',
    'host3 healthy',
  ]);
  assert.deepEqual(await walk.served('host1'), ['v2']);
});

test('a host leaves in order: what runs there is started elsewhere first, and no request is lost', async (t) => {
  const refused = await walk.expect(2, ['machine', 'rm', home, '--yes']);
  assert.match(refused.stderr, /its volumes are on/);
  const report = await walk.underLoad('host1', async () => {
    const { stdout } = await walk.expect(0, ['machine', 'rm', other, '--yes']);
    assert.match(stdout, /moves first/);
  });
  assertLossless(report, ['v2']);
  t.diagnostic(`a host left: ${report.requests} requests, ${report.failed} failed`);
  assert.equal(await stage.onHost(other, 'docker ps -aq; ls -d /etc/seawall 2>/dev/null || true'), '');
  walk.useHosts(['host1', home]);
  await walk.expect(0, ['plan', '--exit-code'], { VERSION: 'v2' });
  assert.deepEqual(await walk.served('host1'), ['v2']);
});

test('a host that is dead for good is forgotten, and nobody listens to it should it come back', async (t) => {
  walk.useHosts(ALL);
  await walk.expect(0, ['deploy', '--yes'], { VERSION: 'v2' });
  const alive = await walk.expect(2, ['machine', 'rm', other, '--gone', '--yes']);
  assert.match(alive.stderr, /it answers, so it is not gone/);
  await stopHost(stage.lab, other);
  await stage.until(
    'its sign of life is gone',
    async () => (await walk.run(['machine', 'rm', other, '--gone', '--yes'])).code === 0,
  );
  walk.useHosts(['host1', home]);
  const report = await walk.underLoad('host1', async () => {
    await walk.expect(0, ['deploy', '--yes'], { VERSION: 'v3' });
    await startHost(stage.lab, other);
    await stage.until('its replica runs again', async () =>
      /walk-web/.test(await stage.onHost(other, "docker ps --format '{{.Names}}'")),
    );
    await walk.expect(0, ['plan', '--exit-code'], { VERSION: 'v3' });
  });
  assertLossless(report, ['v2', 'v3']);
  t.diagnostic(`a host was forgotten and came back: ${report.requests} requests, ${report.failed} failed`);
  assert.deepEqual(await walk.served('host1'), ['v3']);
  const file = JSON.parse(await stage.onHost('host1', 'cat /etc/seawall/cluster.json')) as {
    readonly hosts: readonly { readonly name: string }[];
  };
  assert.deepEqual(file.hosts.map(({ name }) => name).sort(), ['host1', home].sort());
});

test('a host that was forgotten serves again once it was cleared; one that leaves by force takes only what cannot move', async (t) => {
  walk.useHosts(ALL);
  await walk.expect(0, ['machine', 'rm', other, '--yes']);
  await walk.expect(0, ['deploy', '--yes'], { VERSION: 'v3' });
  const report = await walk.underLoad('host1', async () => {
    const { stdout } = await walk.expect(0, ['machine', 'rm', home, '--force', '--yes']);
    assert.match(stdout, new RegExp(`store.*goes with ${home}`));
  });
  assertLossless(report, ['v3']);
  assert.match(await stage.onHost(home, 'docker volume ls -q'), /^walk_data$/m);
  walk.useHosts(['host1', other]);
  const lost = await walk.run(['deploy', '--yes'], { env: { VERSION: 'v3' } });
  assert.notEqual(lost.code, 0, lost.stdout);
  assert.match(lost.stderr, /seawall volume forget walk_data/);
  await walk.expect(0, ['volume', 'forget', 'walk_data', '--yes']);
  await walk.expect(0, ['deploy', '--yes'], { VERSION: 'v3' });
  const where = (await rows()).map(({ service, host, state }) => `${service} ${host} ${state}`).sort();
  assert.deepEqual(where, [`store ${other} healthy`, ...Array(2).fill(`web ${other} healthy`)]);
  t.diagnostic(`a host left by force: ${report.requests} requests, ${report.failed} failed`);
});
