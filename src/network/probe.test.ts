import assert from 'node:assert/strict';
import { Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { bindUdp } from './bind.ts';
import { serveEcho } from './probe.ts';

test('a datagram from port 0 is let go, and the next one comes back', async (t) => {
  const free = await bindUdp('127.0.0.1', 0);
  const { port } = free.address();
  free.close();
  const bind = t.mock.method(Socket.prototype, 'bind');
  const end = new AbortController();
  t.after(() => end.abort());
  const options = { address: '127.0.0.1', range: '127.0.0.0/8', port };
  const served = serveEcho({ ...options, signal: end.signal, log: () => undefined });
  const echo = bind.mock.calls[0]?.this as Socket;
  if (bind.mock.calls.length === 1) await once(echo, 'listening');
  // The echo takes the socket over once it is told that it listens.
  await new Promise((resolve) => setImmediate(resolve));
  const from = { address: '127.0.0.1', family: 'IPv4', port: 0, size: 1 };
  assert.equal(echo.emit('message', Buffer.from('a'), from), true);
  const asker = await bindUdp('127.0.0.1', 0);
  t.after(() => asker.close());
  asker.send('b', port, '127.0.0.1');
  const [answer] = (await once(asker, 'message', { signal: AbortSignal.timeout(5_000) })) as [Buffer];
  assert.equal(answer.toString(), 'b');
  end.abort();
  await served;
});
