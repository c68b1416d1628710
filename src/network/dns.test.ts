import assert from 'node:assert/strict';
import { createSocket, Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type DecodedPacket, decode, encode, type Packet } from 'dns-packet';
import { bindUdp } from './bind.ts';
import { NamesServer } from './dns.ts';
import { Forwarder, frame, parseResolvers, unframe } from './forward.ts';
import type { Question, Reply } from './names.ts';

const LOOPBACK = '127.0.0.1';
const many = Array.from({ length: 200 }, (_, index) => `10.208.16.${index + 2}`);

async function freePort(): Promise<number> {
  const socket = await bindUdp(LOOPBACK, 0);
  const { port } = socket.address();
  socket.close();
  return port;
}

async function startServer(
  t: TestContext,
  answer: (question: Question) => Reply,
  forward: ConstructorParameters<typeof NamesServer>[0]['forward'] = async () => undefined,
): Promise<number> {
  const end = new AbortController();
  t.after(() => end.abort());
  const port = await freePort();
  const options = { address: LOOPBACK, port, answer, forward, signal: end.signal, log: () => undefined };
  await new NamesServer({ ...options, shuffle: (addresses) => [...addresses] }).start();
  return port;
}

const question = (name: string, more: Packet = {}): Buffer =>
  encode({ type: 'query', id: 4711, flags: 0x0100, questions: [{ type: 'A', name }], ...more });

/** The package's types lack the code that it decodes. */
type Answer = DecodedPacket & { readonly bytes: number; readonly rcode?: string };

async function overUdp(port: number, query: Buffer): Promise<Answer> {
  const socket: Socket = createSocket('udp4');
  try {
    socket.send(query, port, LOOPBACK);
    const [message] = (await once(socket, 'message', { signal: AbortSignal.timeout(5_000) })) as [Buffer];
    return { ...decode(message), bytes: message.length };
  } finally {
    socket.close();
  }
}

async function overTcp(port: number, ...queries: readonly Buffer[]): Promise<DecodedPacket[]> {
  const socket = connect(port, LOOPBACK);
  let received = Buffer.alloc(0);
  for (const query of queries) socket.write(frame(query));
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    const { messages } = unframe(received);
    if (messages.length === queries.length) return messages.map((message) => decode(message));
  }
  throw new Error('the server hung up');
}

const addressesOf = (packet: DecodedPacket): string[] =>
  (packet.answers ?? []).flatMap((answer) => (answer.type === 'A' ? [answer.data] : []));

test('an answer carries the addresses, the question and a life of one second', async (t) => {
  const port = await startServer(t, () => ({ kind: 'addresses', addresses: ['10.208.16.2', '10.208.32.2'] }));
  const packet = await overUdp(port, question('web.polls.internal'));
  assert.deepEqual([packet.id, packet.rcode, packet.flag_qr, packet.flag_ra], [4711, 'NOERROR', true, true]);
  assert.deepEqual(
    packet.answers?.map((one) => [one.name, one.type, 'ttl' in one && one.ttl]),
    [
      ['web.polls.internal', 'A', 1],
      ['web.polls.internal', 'A', 1],
    ],
  );
  assert.deepEqual(addressesOf(packet), ['10.208.16.2', '10.208.32.2']);
});

test('more addresses than fit are marked as cut over UDP and come whole over TCP', async (t) => {
  const port = await startServer(t, () => ({ kind: 'addresses', addresses: many }));
  const plain = await overUdp(port, question('web'));
  assert.ok(plain.flag_tc && plain.bytes <= 512 && addressesOf(plain).length > 25);
  const options = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 4096,
    flags: 0,
    options: [],
  } as unknown as NonNullable<Packet['additionals']>[number];
  const large = await overUdp(port, question('web', { additionals: [options] }));
  assert.ok(large.flag_tc && large.bytes <= 1232 && addressesOf(large).length > 70);
  assert.equal(large.additionals?.[0]?.type, 'OPT');
  const [whole] = await overTcp(port, question('web'));
  assert.deepEqual(whole === undefined ? [] : addressesOf(whole), many);
});

test('several questions over one connection are all answered', async (t) => {
  const port = await startServer(t, ({ name }) => ({
    kind: 'addresses',
    addresses: [name === 'a' ? '10.0.0.1' : '10.0.0.2'],
  }));
  const packets = await overTcp(port, question('a'), question('b'), question('a'));
  assert.deepEqual(packets.flatMap(addressesOf).toSorted(), ['10.0.0.1', '10.0.0.1', '10.0.0.2']);
});

test('every kind of reply has its code', async (t) => {
  const replies: Record<string, Reply> = {
    empty: { kind: 'empty' },
    unknown: { kind: 'unknown' },
    refused: { kind: 'refused' },
    forward: { kind: 'forward' },
  };
  const port = await startServer(t, ({ name }) => replies[name] ?? { kind: 'unknown' });
  for (const [name, code] of [
    ['empty', 'NOERROR'],
    ['unknown', 'NXDOMAIN'],
    ['refused', 'REFUSED'],
    ['forward', 'SERVFAIL'],
  ]) {
    const packet = await overUdp(port, question(name ?? ''));
    assert.deepEqual([packet.rcode, packet.answers], [code, []], name);
  }
});

test('an address leads back to a name', async (t) => {
  const port = await startServer(t, () => ({ kind: 'pointer', name: 'db.polls.internal' }));
  const packet = await overUdp(
    port,
    question('3.17.208.10.in-addr.arpa', { questions: [{ type: 'PTR', name: '3.17.208.10.in-addr.arpa' }] }),
  );
  assert.deepEqual(
    packet.answers?.map((one) => 'data' in one && one.data),
    ['db.polls.internal'],
  );
});

test('garbage is answered as such or not at all, and the resolver goes on', async (t) => {
  const port = await startServer(t, () => ({ kind: 'addresses', addresses: ['10.0.0.1'] }));
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  for (const message of [Buffer.alloc(0), Buffer.alloc(5), Buffer.alloc(12, 0xff), Buffer.alloc(40, 0xc0)])
    socket.send(message, port, LOOPBACK);
  const broken = question('web').subarray(0, 16);
  assert.equal((await overUdp(port, broken)).rcode, 'FORMERR');
  const update = question('web');
  update.writeUInt16BE(0x2800, 2);
  assert.equal((await overUdp(port, update)).rcode, 'NOTIMP');
  assert.deepEqual(addressesOf(await overUdp(port, question('web'))), ['10.0.0.1']);
});

test('other names are asked of the resolvers of the host, the next one when the first is silent', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-names-'));
  t.after(() => rm(folder, { recursive: true }));
  const resolver = await bindUdp('127.0.0.3', 0);
  t.after(() => resolver.close());
  resolver.on('message', (message, from) => {
    const { id = 0, questions = [] } = decode(message);
    const answers = [{ type: 'A' as const, name: 'example.com', ttl: 60, data: '192.0.2.1' }];
    resolver.send(encode({ type: 'response', id, questions, answers }), from.port, from.address);
  });
  const path = join(folder, 'resolv.conf');
  // Nobody listens on the first one, which Linux says at once.
  await writeFile(path, 'nameserver 127.0.0.2\nnameserver 127.0.0.3\n');
  const forwarder = new Forwarder(path, '10.208.16.1', resolver.address().port);
  const port = await startServer(
    t,
    () => ({ kind: 'forward' }),
    (query) => forwarder.ask(query, 'udp'),
  );
  assert.deepEqual(addressesOf(await overUdp(port, question('example.com'))), ['192.0.2.1']);
  await writeFile(path, 'nameserver 127.0.0.2\n');
  const own = await startServer(
    t,
    () => ({ kind: 'forward', resolvers: ['127.0.0.3'] }),
    (query, transport, resolvers) => forwarder.ask(query, transport, resolvers),
  );
  const answer = await overUdp(own, question('example.com'));
  assert.deepEqual(addressesOf(answer), ['192.0.2.1'], "the service's own resolver, whatever the host's are");
});

test('a resolver that cannot be connected to is passed over', async (t) => {
  const resolver = await bindUdp('127.0.0.3', 0);
  t.after(() => resolver.close());
  resolver.on('message', (message, from) => resolver.send(message, from.port, from.address));
  const forwarder = new Forwarder('/nowhere', '10.208.16.1', resolver.address().port);
  // Linux lets nobody connect to the broadcast address who did not ask for broadcasts.
  const answer = await forwarder.ask(question('example.com'), 'udp', ['255.255.255.255', '127.0.0.3']);
  assert.deepEqual(answer, question('example.com'));
});

test('a query from port 0 is let go, and the resolver goes on', async (t) => {
  const bind = t.mock.method(Socket.prototype, 'bind');
  const port = await startServer(t, () => ({ kind: 'addresses', addresses: ['10.0.0.1'] }));
  const server = bind.mock.calls.map((call) => call.this as Socket).at(-1);
  const query = question('web');
  const from = { address: LOOPBACK, family: 'IPv4', port: 0, size: query.length };
  assert.equal(server?.emit('message', query, from), true);
  assert.deepEqual(addressesOf(await overUdp(port, query)), ['10.0.0.1']);
});

test('the resolvers of a resolv.conf are read, without ourselves', () => {
  const text =
    '# nameserver 1.1.1.1\nsearch lan\nnameserver 10.208.16.1\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\nnameserver rubbish\nnameserver 9.9.9.9\nnameserver 8.8.8.8\n';
  assert.deepEqual(parseResolvers(text, '10.208.16.1'), ['127.0.0.53', 'fe80::1%eth0', '9.9.9.9']);
  assert.deepEqual(parseResolvers('', '10.208.16.1'), []);
});
