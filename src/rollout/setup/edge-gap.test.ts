import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Docker } from '../../hosts/index.ts';
import { measureGap } from './edge-gap.ts';

/** How long nothing listens, and how often at least the probe asks. */
const [AWAY_MS, PROBE_MS] = [200, 50];

const signal = new AbortController().signal;

/** Docker that runs programs here instead of in a container. */
const docker: Pick<Docker, 'execInteractive'> = {
  async execInteractive(_id, [command = '', ...args]) {
    const child = spawn(command === 'node' ? process.execPath : command, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const stream = Duplex.from({ readable: child.stdout });
    stream.once('close', () => child.kill());
    return { stream, resize: async () => {}, exitCode: async () => child.exitCode ?? 0 };
  },
};

async function listen(port = 0): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return { server, port: address.port };
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

test('the time in which nothing listened is measured from outside of what is replaced', async (t) => {
  const { server, port } = await listen();
  let replaced: Server | undefined;
  const begin = performance.now();
  const { value, gapMs } = await measureGap(
    docker,
    port,
    async () => {
      await close(server);
      await sleep(AWAY_MS);
      replaced = (await listen(port)).server;
      return 'replaced';
    },
    signal,
  );
  t.after(() => replaced?.close());
  assert.equal(value, 'replaced');
  assert.ok(
    gapMs !== undefined && gapMs >= AWAY_MS - PROBE_MS && gapMs <= performance.now() - begin,
    `${gapMs}`,
  );
});

test('what did not listen before has no gap', async () => {
  const { server, port } = await listen();
  await close(server);
  assert.deepEqual(await measureGap(docker, port, async () => 'made', signal), { value: 'made' });
});

test('a failure of the work is its own', async (t) => {
  const { server, port } = await listen();
  t.after(() => server.close());
  const failing = measureGap(docker, port, () => Promise.reject(new Error('no image')), signal);
  await assert.rejects(failing, { message: 'no image' });
});
