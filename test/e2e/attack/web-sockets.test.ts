import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  deployShop,
  edge,
  expectCode,
  onHost,
  type ProjectFolder,
  projectFolder,
  underLoad,
  until,
} from '../core/stage.ts';
import { answering, EchoSocket } from './web-socket.ts';

const shop = projectFolder('shop');
await deployShop(shop, { VERSION: 'v1' });
const ROUTE_CHANGES = 50;

const open = (): Promise<EchoSocket> => EchoSocket.open(edge.address, 'shop.example');

/** The shop with a body limit of so many KiB on its route: a change of a route and of nothing else. */
function withBodyLimit(project: ProjectFolder, kib: number): ProjectFolder {
  const file = join(project.folder, 'limit.yml');
  writeFileSync(
    file,
    JSON.stringify({
      routes: { 'shop.example': { service: 'web', port: 8000, tls: 'off', body_limit: `${kib}k` } },
    }),
  );
  return { ...project, files: [...project.files, file] };
}

/** nginx's workers on the edge: how many shut down, and their share of the memory in KiB. */
async function oldWorkers(): Promise<{ readonly count: number; readonly kib: number }> {
  const script = `for p in /proc/[0-9]*; do
  tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q 'nginx: worker process is shutting down' || continue
  awk '/^Pss:/ { print $2 }' $p/smaps_rollup
done`;
  const encoded = Buffer.from(script).toString('base64');
  const { stdout } = await onHost('host1', [`echo ${encoded} | base64 -d | sudo sh`]);
  const sizes = stdout.split('\n').filter(Boolean).map(Number);
  return { count: sizes.length, kib: sizes.reduce((sum, size) => sum + size, 0) };
}

test('50 changes of a route, with a WebSocket opened between each two: no request and no WebSocket is lost', async (t) => {
  const sockets: EchoSocket[] = [];
  let old = { count: 0, kib: 0 };
  const report = await underLoad({ service: 'web' }, async () => {
    for (let change = 1; change <= ROUTE_CHANGES; change++) {
      sockets.push(await open());
      await deployShop(withBodyLimit(shop, 1000 + change), { VERSION: 'v1' });
    }
    old = await oldWorkers();
  });
  const alive = await answering(sockets);
  t.diagnostic(
    `${ROUTE_CHANGES} route changes: ${report.requests} requests, ${report.failed} failed; ` +
      `${alive} of ${sockets.length} WebSockets answer; ${old.count} old workers with ${Math.round(old.kib / 1024)} MiB`,
  );
  assert.equal(report.failed, 0, JSON.stringify(report.failures, undefined, 1));
  assert.equal(alive, sockets.length);
  assert.ok(old.count >= ROUTE_CHANGES / 2, 'the reloads left workers that hold WebSockets');
  for (const socket of sockets) socket.close();
  await until(
    'the old workers are gone with their WebSockets',
    60,
    async () => (await oldWorkers()).count === 0,
  );
  await deployShop(shop, { VERSION: 'v1' });
});

test('WebSockets live through agent restarts and a deploy of another service, and end with their own replica', async (t) => {
  const sockets = await Promise.all(Array.from({ length: 12 }, open));
  for (const host of ['host1', 'host2', 'host3']) await onHost(host, ['docker', 'restart', 'seawall-agent']);
  await deployShop(shop, { VERSION: 'v1', API_VERSION: 'a2' });
  assert.equal(await answering(sockets), sockets.length, 'agents and others may come and go');
  const { stdout } = await expectCode(0, shop, ['deploy', '--yes', '--json'], { env: { VERSION: 'w2' } });
  const { traffic } = JSON.parse(stdout) as { traffic?: { socketsCut?: number } };
  await until('the replicas of their own are gone', 60, async () => (await answering(sockets)) === 0);
  t.diagnostic(
    `a deploy of their own service reports ${traffic?.socketsCut} of ${sockets.length} WebSockets as cut`,
  );
  assert.equal(traffic?.socketsCut, sockets.length);
});
