/** Apps in the shapes that people write, deployed from their unedited Compose files on three hosts and used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useApp } from './app-stage.ts';

test('a static site is served by two read-only replicas, with its own error page and headers', (t) =>
  useApp(t, 'handbook', {}, async (app) => {
    assert.match((await app.ask('/')).body, /<h1>Handbook<\/h1>/);
    assert.match((await app.ask('/harbour')).body, /<h1>Harbour<\/h1>/);
    const missing = await app.ask('/nothing', { mayFail: true });
    assert.equal(missing.status, 404);
    assert.match(missing.body, /There is no such page/);
    const style = await app.ask('/assets/style.css');
    assert.match(String(style.headers['cache-control']), /max-age=31536000/);
    const etag = String(style.headers.etag);
    assert.equal((await app.ask('/assets/style.css', { headers: { 'if-none-match': etag } })).status, 304);
    assert.deepEqual(
      new Set((await app.replicas('site')).map(({ host }) => host)),
      new Set(['host2', 'host3']),
    );
  }));

test('three replicas of an API on two hosts count in one cache, and go on counting after the next deploy', (t) =>
  useApp(t, 'counter', {}, async (app) => {
    const replicas = new Set<string>();
    for (let expected = 1; expected <= 12; expected++) {
      const { count, replica } = await app.json<{ count: number; replica: string }>('/', 'POST');
      assert.equal(count, expected);
      replicas.add(replica);
    }
    assert.equal(replicas.size, 3, `answered by ${[...replicas].join(', ')}`);
    await app.expect(0, ['scale', 'web=2', '--yes']);
    assert.equal((await app.json<{ count: number }>('/')).count, 12);
  }));

test('an API writes notes into its database, and they are there after a redeploy', (t) =>
  useApp(t, 'notes', {}, async (app) => {
    const texts = ['tide at six', "a boat's name; drop table note", 'ünïcode ✓'];
    for (const text of texts) await app.json('/notes', 'POST', { text });
    const before = (await app.replicas('db')).map(({ container }) => container);
    await app.deploy({ TITLE: 'Log book' });
    const { title, notes } = await app.json<{ title: string; notes: { text: string }[] }>('/notes');
    assert.equal(title, 'Log book');
    assert.deepEqual(
      notes.map(({ text }) => text),
      texts,
    );
    assert.deepEqual(
      (await app.replicas('db')).map(({ container }) => container),
      before,
    );
  }));

test('an internal API at three replicas on two hosts answers by its name, each replica', (t) =>
  useApp(t, 'prices', {}, async (app) => {
    const answered = new Map<string, number>();
    for (let asked = 0; asked < 60; asked++) {
      const quote = await app.json<{ cents: number; answeredBy: string }>('/?item=rope');
      assert.equal(quote.cents, 400);
      answered.set(quote.answeredBy, (answered.get(quote.answeredBy) ?? 0) + 1);
    }
    const replicas = await app.replicas('quotes');
    assert.equal(answered.size, 3, JSON.stringify([...answered]));
    assert.equal(new Set(replicas.map(({ host }) => host)).size, 2);
    t.diagnostic(`answers of each replica of the internal API: ${[...answered.values()].join(', ')}`);
  }));
