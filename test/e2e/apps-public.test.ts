/** Apps of public projects, deployed from their own, unedited Compose files on three hosts and used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunicorn, sourceTree } from './app-packages.ts';
import { useApp } from './app-stage.ts';
import { until } from './app-use.ts';

/** As control groups 1 and 2 tell it. */
const MEMORY_LIMIT =
  'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max';
const gunicornImages = ['python:3.14-slim', 'nginx:alpine'];

test('gunicorn: an app behind its own nginx, which speaks uwsgi to it', async (t) => {
  const options = {
    source: await sourceTree(gunicorn),
    within: 'tests/docker/uwsgi',
    images: gunicornImages,
  };
  await useApp(t, 'gunicorn-proxy', options, async (app) => {
    assert.equal((await app.ask('/')).body, 'Hello from gunicorn uWSGI!\n');
    const body = 'x'.repeat(300_000);
    assert.equal((await app.ask('/echo', { method: 'POST', body })).body, body);
    const headers = await app.json<Record<string, string>>('/headers');
    assert.match(String(headers['X-Forwarded-For']), /^\d+\.\d+\.\d+\.\d+, \d+\.\d+\.\d+\.\d+$/);
  });
});

test('gunicorn: a chat streams its answer through the edge piece by piece', async (t) => {
  const options = {
    source: await sourceTree(gunicorn),
    within: 'examples/streaming_chat',
    images: gunicornImages,
  };
  await useApp(t, 'gunicorn-chat', options, async (app) => {
    const pieces: string[] = [];
    const answer = await app.ask('/chat', {
      method: 'POST',
      body: JSON.stringify({ prompt: 'hello' }),
      headers: { 'content-type': 'application/json' },
      onPiece: (piece) => pieces.push(piece),
    });
    assert.match(answer.body, /data: \[DONE\]/);
    assert.ok(pieces.length > 3, `${pieces.length} pieces: ${answer.body}`);
    t.diagnostic(`an event stream of ${answer.body.length} bytes arrived in ${pieces.length} pieces`);
  });
});

test('gunicorn: background tasks run within their memory limit, and its own tests pass in a one-off container', async (t) => {
  const options = {
    source: await sourceTree(gunicorn),
    within: 'examples/celery_alternative',
    images: gunicornImages,
  };
  await useApp(t, 'gunicorn-tasks', options, async (app) => {
    const mail = { to: 'a@b.example', subject: 'tide', body: 'at six' };
    const sent = await app.json<{ status: string }>('/api/email/send', 'POST', mail);
    assert.equal(sent.status, 'sent');
    const data = [1, 2, 3].map((tons) => ({ port: tons < 3 ? 'west' : 'east', tons }));
    const asked = { data, group_by: 'port', agg_field: 'tons' };
    const { result } = await app.json<{ result: unknown }>('/api/data/aggregate', 'POST', asked);
    assert.deepEqual(result, { west: 3, east: 3 });
    const limit = await app.expect(0, ['exec', 'app', 'sh', '-c', MEMORY_LIMIT]);
    assert.equal(limit.stdout.trim(), String(1024 ** 3));
    const ran = await app.expect(0, ['run', '--rm', 'tests']);
    const passed = /(\d+) passed/.exec(ran.stdout)?.[1];
    assert.ok(passed !== undefined && !/failed/.test(ran.stdout), ran.stdout);
    assert.deepEqual(
      (await app.replicas()).map(({ service }) => service),
      ['app'],
    );
    t.diagnostic(`seawall run tests: ${passed} tests of the project passed`);
  });
});

test('huey: workers on two hosts that have no port do the jobs that the web app queues', (t) =>
  useApp(t, 'huey', { images: ['redis:7-alpine'] }, async (app) => {
    await app.expect(0, ['scale', 'worker=2', '--yes']);
    const workers = new Set<string>();
    for (let round = 0; round < 40 && workers.size < 2; round++) {
      const { job } = await app.json<{ job: string }>('/1001', 'POST');
      const result = await until(`job ${job} done`, 20, async () => {
        const answer = await app.ask(`/${job}`, { mayFail: true });
        return answer.status === 200 && (JSON.parse(answer.body) as { factors: number[]; worker: string });
      });
      assert.deepEqual(result.factors, [7, 11, 13]);
      workers.add(result.worker);
    }
    assert.equal(workers.size, 2);
    assert.deepEqual(
      new Set((await app.replicas('worker')).map(({ host }) => host)),
      new Set(['host2', 'host3']),
    );
  }));

test('Docker Compose: files, a volume filled from the image, an anonymous volume, a config and a secret', (t) =>
  useApp(t, 'compose-volumes', { images: ['nginx:alpine'] }, async (app) => {
    assert.match((await app.ask('/')).body, /Hello from Nginx container/);
    const own = { headers: { host: 'own.compose-volumes.example' } };
    assert.match((await app.ask('/', own)).body, /Welcome to nginx/);
    const config = await app.expect(0, ['exec', 'nginx2', 'cat', '/myconfig']);
    const secret = await app.expect(0, ['exec', 'nginx2', 'cat', '/run/secrets/mysecret']);
    assert.match(config.stdout, /Hello from Nginx container/);
    assert.equal(secret.stdout, config.stdout);
    await app.expect(0, ['exec', 'nginx2', 'sh', '-c', 'echo kept > /usr/share/nginx/test/kept.txt']);
    await app.expect(0, ['down', '--yes']);
    await app.deploy();
    const kept = await app.expect(0, ['exec', 'nginx2', 'cat', '/usr/share/nginx/test/kept.txt']);
    assert.equal(kept.stdout.trim(), 'kept');
  }));
