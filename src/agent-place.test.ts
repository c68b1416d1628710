import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../test/test-catalog.ts';
import { PlaceWatch } from './agent-place.ts';
import type { PlaceAnswer } from './catalog/index.ts';
import type { ClusterFile } from './cluster.ts';

const host = (name: string, number: number) => ({
  name,
  number,
  address: `192.0.2.${number}`,
  privateAddress: `10.208.${16 * number}.1`,
  roles: ['app'] as const,
  labels: {},
});
const hosts = [host('one', 1), host('two', 2), host('three', 3)];
const catalog = {
  host: 'one',
  address: '10.208.16.1',
  port: 8501,
  certificate: 'c',
  privateKey: 'k',
  token: 't',
};

async function watchOn(
  t: TestContext,
  name: string,
  answers: Readonly<Record<string, PlaceAnswer>>,
  writes = true,
) {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-place-'));
  const end = new AbortController();
  const path = join(folder, 'cluster.json');
  const own = hosts.find((each) => each.name === name);
  assert.ok(own);
  const cluster = { id: 'x', key: 'secret', catalog, hosts, host: own } as unknown as ClusterFile;
  await writeFile(path, JSON.stringify(cluster));
  const moves: unknown[] = [];
  const client = {
    failingSince: undefined,
    move: ({ target, epoch }: { target: unknown; epoch?: number }) => moves.push([target, epoch]),
  };
  const watch = new PlaceWatch({
    cluster,
    client,
    writes,
    signal: end.signal,
    log: () => undefined,
    path,
    ask: async (asked) => answers[asked],
  });
  const running = watch.run();
  t.after(async () => {
    end.abort();
    await running;
    await rm(folder, { recursive: true });
  });
  return { watch, path, moves, cluster };
}

test('a host that was away learns from another one where the catalog is now, and writes it down for root only', async (t) => {
  const { watch, path, moves } = await watchOn(t, 'three', {
    one: { epoch: 1, host: 'one', address: '10.208.16.1' },
    two: { epoch: 4, host: 'two', address: '10.208.32.1' },
  });
  const file = await eventually('the file says so', async () => {
    const read = JSON.parse(await readFile(path, 'utf8')) as ClusterFile;
    return read.catalog.epoch === 4 && read;
  });
  assert.deepEqual(file.catalog, { ...catalog, epoch: 4, host: 'two', address: '10.208.32.1' });
  assert.equal(file.key, 'secret');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal(watch.isHere, false);
  assert.deepEqual(moves, [[{ host: '10.208.32.1', port: 8501 }, 4]]);
});

test('what the operator writes counts at once, also that the catalog is here now', async (t) => {
  const { watch, path, moves, cluster } = await watchOn(t, 'two', {});
  const { moved } = watch;
  const place = { ...catalog, host: 'two', address: '10.208.32.1', epoch: 2 };
  await writeFile(path, JSON.stringify({ ...cluster, catalog: place }));
  await moved;
  assert.ok(watch.isHere);
  assert.deepEqual(moves, [[{ host: '127.0.0.1', port: 8501 }, 2]]);
});

test('an earlier word, or a file of another cluster, changes nothing', async (t) => {
  const answers = { two: { epoch: 3, host: 'two', address: '10.208.32.1' } };
  const { watch, path, cluster } = await watchOn(t, 'three', answers, false);
  await watch.moved;
  await writeFile(path, JSON.stringify({ ...cluster, catalog: { ...catalog, epoch: 2, host: 'one' } }));
  await writeFile(`${path}.other`, '{');
  await writeFile(path, JSON.stringify({ ...cluster, id: 'y', catalog: { ...catalog, epoch: 9 } }));
  watch.suspect();
  assert.equal(await watch.askAll(), false, 'one does not answer');
  assert.equal(watch.place.host, 'two');
  assert.equal(watch.place.epoch, 3);
});

test('of two promotions at the same time every host takes the same one', async (t) => {
  const [one, two] = [
    { epoch: 2, host: 'one', address: '10.208.16.1' },
    { epoch: 2, host: 'two', address: '10.208.32.1' },
  ];
  for (const answers of [
    { one, two },
    { one: two, two: one },
  ]) {
    const { watch } = await watchOn(t, 'three', answers, false);
    await eventually('both were heard', () => watch.place.epoch === 2);
    await watch.askAll();
    assert.equal(watch.place.host, 'two');
  }
});
