import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventually, startTestCatalog, testCertificate } from '../../test/test-catalog.ts';
import { sha256 } from '../hash.ts';
import { CatalogClient } from './client.ts';
import { keepSnapshots } from './keep-snapshots.ts';
import { releasesIn } from './release-file.ts';
import { startCatalogServer } from './server.ts';
import { parseSnapshotFile, snapshotName, snapshotsToForget } from './snapshot-file.ts';

test('a lasting change is in a snapshot within seconds, and a catalog started from it holds everything', async (t) => {
  const { client } = await startTestCatalog(t);
  const folder = await mkdtemp(join(tmpdir(), 'seawall-snapshots-'));
  const end = new AbortController();
  const log = (line: string): void => assert.fail(line);
  const releasesPath = join(folder, 'releases.json');
  const running = keepSnapshots({
    client,
    folder,
    releasesPath,
    cluster: 'x',
    epoch: () => 1,
    signal: end.signal,
    log,
  });
  t.after(async () => {
    end.abort();
    await running;
    await rm(folder, { recursive: true });
  });
  const newest = async (): Promise<string> => {
    const name =
      (await readdir(folder))
        .filter((each) => each.endsWith('.snapshot'))
        .sort()
        .at(-1) ?? '';
    return name === '' ? '' : readFile(join(folder, name), 'utf8');
  };
  await eventually('the first', newest);
  await client.kvPut('seawall/releases/shop/1', '{"project":"shop","number":1}');
  await client.register({ node: 'app1', nodeAddress: '10.208.16.1' });
  const session = await client.sessionCreate({
    name: 'seawall/alive/app1',
    ttlMs: 10_000,
    behavior: 'delete',
  });
  await client.kvPut('seawall/alive/app1', '{}', { acquire: session });
  await client.kvPut('seawall/releases/shop/2', '{"project":"shop","number":2}');
  const text = await eventually('release 2', async () => {
    const read = await newest();
    return read.includes('seawall/releases/shop/2') && read;
  });
  const { header, content } = parseSnapshotFile(text, 'here', sha256);
  assert.deepEqual([header.cluster, header.epoch], ['x', 1]);
  assert.deepEqual(releasesIn(content), {
    shop: [
      { project: 'shop', number: 1 },
      { project: 'shop', number: 2 },
    ],
  });
  await eventually(
    'the file of releases',
    async () =>
      JSON.stringify(releasesIn(content)) === (await readFile(releasesPath, 'utf8').catch(() => '')),
  );
  const names = await readdir(folder);
  const modes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mode & 0o777));
  assert.deepEqual([...new Set(modes)], [0o600]);

  const dir = join(folder, 'promoted');
  await mkdir(dir);
  await writeFile(join(dir, 'snapshot'), content);
  const { certificate, privateKey, token } = await testCertificate();
  const listen = [{ host: '127.0.0.1', port: 0 }];
  const server = await startCatalogServer({ dir, certificate, privateKey, token, listen });
  const target = { host: '127.0.0.1', port: server.addresses()[0]?.port ?? 0 };
  const promoted = new CatalogClient({ target, certificate, token });
  t.after(async () => {
    promoted.close();
    await server.close();
  });
  assert.deepEqual((await promoted.kvList('seawall/')).value, (await client.kvList('seawall/')).value);
  assert.deepEqual((await promoted.nodes()).value, (await client.nodes()).value);
  assert.equal(await promoted.sessionRenew(session), true, 'signs of life go on as if nothing had happened');
});

test('a snapshot with one wrong character, or cut off anywhere, is not taken', () => {
  const content = 'abcdefgh {"x":1}\n'.repeat(3);
  const header = {
    seawall: 'catalog snapshot',
    version: 1,
    cluster: 'x',
    epoch: 1,
    index: 7,
    takenAt: '2026-01-01T00:00:00.000Z',
    sha256: sha256(content),
  };
  const text = `${JSON.stringify(header)}\n${content}`;
  assert.equal(parseSnapshotFile(text, 'f', sha256).content, content);
  const refused = { code: 'refused', message: /^f is no whole snapshot/ };
  for (let cut = 0; cut < text.length; cut += 1) {
    assert.throws(() => parseSnapshotFile(text.slice(0, cut), 'f', sha256), refused, `cut at ${cut}`);
  }
  const body = text.indexOf('\n') + 1;
  for (let at = body; at < text.length; at += 1) {
    const altered = `${text.slice(0, at)}?${text.slice(at + 1)}`;
    assert.throws(() => parseSnapshotFile(altered, 'f', sha256), refused, `character ${at}`);
  }
});

test('the newest snapshots are never forgotten, and there are never more than fifteen', () => {
  const file = fc.record({ epoch: fc.integer({ min: 1, max: 3 }), index: fc.nat(9999), hours: fc.nat(200) });
  fc.assert(
    fc.property(fc.uniqueArray(file, { selector: (f) => `${f.epoch}-${f.index}` }), (written) => {
      const files = written.map(({ epoch, index, hours }) => ({
        name: snapshotName(epoch, index),
        writtenMs: hours * 3_600_000,
      }));
      const forgotten = new Set(snapshotsToForget(files));
      const kept = files.filter(({ name }) => !forgotten.has(name));
      const newest = files.toSorted((a, b) => (a.name < b.name ? 1 : -1)).slice(0, 3);
      assert.ok(newest.every((each) => kept.includes(each)));
      assert.ok(kept.length <= 15);
      const latest = files.toSorted((a, b) => b.writtenMs - a.writtenMs)[0];
      assert.ok(latest === undefined || kept.some(({ writtenMs }) => writtenMs === latest.writtenMs));
    }),
  );
});
