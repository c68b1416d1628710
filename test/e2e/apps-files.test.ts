/** Apps whose Compose files lean on files, secrets, volumes, networks and anchors, deployed unedited on three hosts and used. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { useApp } from './app-stage.ts';
import { until } from './app-use.ts';

const TOKEN = `hostile; rm -rf / $(id) 'quoted' "twice"`;

interface Settings {
  readonly signature: string;
  readonly tokenLength: number;
  readonly limits: unknown;
  readonly banner: string;
  readonly REGION: string;
  readonly GREETING: string;
  readonly uid: number;
  readonly canWrite: boolean;
  readonly replica: string;
}

test('secrets and configs of every kind reach a read-only app without root on both hosts, byte for byte', (t) =>
  useApp(t, 'settings', { env: { PARTNER_TOKEN: TOKEN } }, async (app) => {
    const key = readFileSync(join(app.folder, 'secrets/signing_key.txt'));
    const replicas = new Set<string>();
    for (let asked = 0; asked < 20 && replicas.size < 2; asked++) {
      const { replica, ...found } = await app.json<Settings>('/?text=tide');
      replicas.add(replica);
      assert.deepEqual(found, {
        signature: createHmac('sha256', key).update('tide').digest('hex'),
        tokenLength: TOKEN.length,
        limits: { perMinute: 120 },
        banner: 'Welcome to the harbour, costs are in $.\n',
        REGION: 'north',
        GREETING: 'good morning',
        uid: 1000,
        canWrite: false,
      });
    }
    assert.equal(replicas.size, 2);
    const { stdout, stderr } = await app.expect(0, ['plan'], { PARTNER_TOKEN: 'another-token-0815' });
    assert.match(stdout, /partner_token|api/);
    assert.doesNotMatch(stdout + stderr, /another-token-0815|rm -rf/);
  }));

test("in two networks the proxy's side does not reach the store, the app between them does", (t) =>
  useApp(t, 'two-networks', {}, async (app) => {
    await app.ask('/greeting', { method: 'PUT', body: 'ahoy' });
    const found = await app.json<{ host: string; forwarded: string; value: string }>('/greeting');
    assert.equal(found.value, 'ahoy');
    assert.equal(found.host, 'app-host');
    assert.match(found.forwarded, /^\d+\.\d+\.\d+\.\d+, \d+\.\d+\.\d+\.\d+$/);
    const [store] = await app.replicas('store');
    assert.ok(store);
    assert.match(
      (await app.expect(0, ['exec', 'app', 'getent', 'hosts', 'store.local'])).stdout,
      /\d+\.\d+\.\d+\.\d+/,
    );
    assert.equal((await app.seawall(['exec', 'proxy', 'getent', 'hosts', 'store.local'])).code, 2);
    const connect = ['timeout', '3', 'bash', '-c', '</dev/tcp/$0/$1'];
    await app.expect(0, ['exec', 'app', ...connect, store.address, '6379']);
    assert.equal((await app.seawall(['exec', 'proxy', ...connect, store.address, '6379'])).code, 124);
  }));

test('anchors, merges and extends give each service its own: web, workers, a clock, a queue', (t) =>
  useApp(t, 'anchors', { env: { LOG_LEVEL: 'debug' } }, async (app) => {
    for (let job = 0; job < 20; job++) await app.ask(`/job-${job}`, { method: 'POST' });
    interface State {
      readonly FLAVOUR: string;
      readonly LOG_LEVEL: string;
      readonly ticks: number;
      readonly done: Readonly<Record<string, string>>;
    }
    const state = await until('20 jobs done and the clock ticking', 30, async () => {
      const now = await app.json<State>('/');
      return Object.keys(now.done).length === 20 && now.ticks > 0 && now;
    });
    assert.equal(state.FLAVOUR, 'web');
    assert.equal(state.LOG_LEVEL, 'debug');
    assert.equal(new Set(Object.values(state.done)).size, 2);
    assert.deepEqual(
      new Set((await app.replicas('worker')).map(({ host }) => host)),
      new Set(['host2', 'host3']),
    );
    assert.equal((await app.replicas('debug')).length, 0);
  }));

test('what one service writes into a volume another serves from it, also after both are replaced', (t) =>
  useApp(t, 'gallery', {}, async (app) => {
    const picture = 'P6 '.repeat(700_000);
    await app.ask('/boat.ppm', { method: 'PUT', body: picture });
    assert.equal((await app.ask('/pictures/boat.ppm')).body, picture);
    const hosts = new Set((await app.replicas()).map(({ host }) => host));
    assert.equal(hosts.size, 1, 'a volume is on one host, and so are those that share it');
    await app.expect(0, ['down', '--yes']);
    await app.deploy();
    assert.equal((await app.ask('/pictures/boat.ppm')).body, picture);
  }));
