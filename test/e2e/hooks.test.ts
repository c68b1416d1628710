/** What only some Compose files use: hooks, a replica on every host, another service's volumes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useApp } from './app-stage.ts';

test('hooks run as they say, a global service is on every host, and the volumes of another service can be read', (t) =>
  useApp(t, 'hooks', {}, async (app) => {
    const hosts = (await app.replicas('web')).map(({ host }) => host).sort();
    assert.deepEqual(hosts, ['host2', 'host3'], 'one on each host that runs apps');
    for (let asked = 0; asked < 6; asked++)
      assert.equal((await app.ask('/started')).body, 'one ; rm -rf / root /tmp\n');

    const second = await app.expect(0, ['deploy', '--yes'], { WORD: 'two' });
    const goodbyes = second.stderr.match(/pre_stop sh ended with code 4: one says goodbye/g);
    assert.equal(
      goodbyes?.length,
      2,
      `each replica of web says it, and goes all the same:\n${second.stderr}`,
    );
    assert.match((await app.ask('/started')).body, /^two /);
    const headers = { host: 'reader.example' };
    const last = await app.ask('/last', { headers });
    assert.equal(last.body, 'stopped as one\nalive\n', 'pre_stop ran in the old replica, before its signal');

    const { stdout, stderr } = await app.expect(1, ['deploy', '--yes', '--profile', 'broken'], {
      WORD: 'two',
    });
    assert.match(stdout + stderr, /post_start sh ended with code 3: no such ship/);
    assert.match((await app.ask('/started')).body, /^two /);
  }));
