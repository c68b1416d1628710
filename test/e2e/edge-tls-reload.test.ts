import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { Agent } from 'node:https';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { clearDraining, markDraining } from '../../src/catalog/index.ts';
import { KEY } from '../../src/catalog/record.ts';
import { route, startUpstream, type Upstream, until } from './edge-nginx.ts';
import { routeTls, TlsStage } from './edge-tls-stage.ts';

const domains = Array.from({ length: 10 }, (_, index) => `d${index}.test`);

/** Ten domains with a certificate each, one replica. */
async function setUp(t: TestContext) {
  const slow: (() => void)[] = [];
  const replica = (name: string) =>
    startUpstream(
      (request, response) => {
        response.setHeader('x-replica', name);
        if (request.url === '/slow') slow.push(() => response.end(name));
        else {
          request.resume();
          request.on('end', () => response.end(name));
        }
      },
      (socket) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
        socket.on('data', (chunk) => socket.write(chunk));
        socket.on('error', () => socket.destroy());
        socket.on('end', () => socket.end());
      },
    );
  const stage = await TlsStage.make(t);
  const one = await replica('one');
  t.after(() => one.close());
  await stage.register(one);
  await stage.publish(domains.map((domain) => route({ domain, tls: routeTls(domain) })));
  for (const record of await Promise.all(domains.map((domain) => stage.certify([domain]))))
    await stage.served(record);
  await stage.inForce(one);
  return { stage, one, slow, replica };
}

/**
 * A client of HTTP/2 as browsers are one: a request that the server says it did not process (RFC 9113 section 6.8: above the
 * last stream of GOAWAY, or REFUSED_STREAM) is sent once more on another connection.
 */
class Http2Client {
  readonly #open: () => ClientHttp2Session;
  #session: ClientHttp2Session | undefined;
  #last = Number.POSITIVE_INFINITY;

  constructor(stage: TlsStage, domain: string) {
    const { certificate } = stage.root;
    this.#open = () =>
      connect(`https://${domain}:${stage.httpsPort}`, {
        ca: certificate,
        servername: domain,
        lookup: (_name, options, done) => {
          if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
          else done(null, '127.0.0.1', 4);
        },
      });
  }

  async status(method: 'GET' | 'POST', retries = 2): Promise<number> {
    const session = this.#current();
    let stream: ClientHttp2Stream | undefined;
    try {
      stream = session.request({ ':method': method, ':path': '/' });
      stream.end(method === 'POST' ? 'body' : undefined);
      const [headers] = (await once(stream, 'response')) as [{ ':status'?: number }];
      stream.resume();
      if (!stream.readableEnded) await once(stream, 'end');
      return headers[':status'] ?? 0;
    } catch (error) {
      const isUnprocessed =
        stream?.id === undefined ||
        stream.id > this.#last ||
        stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      if (!isUnprocessed || retries === 0) throw error;
      if (this.#session === session) this.#session = undefined;
      return this.status(method, retries - 1);
    }
  }

  close(): void {
    this.#session?.close();
  }

  #current(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed)
      return this.#session;
    const session = this.#open();
    this.#last = Number.POSITIVE_INFINITY;
    session.on('goaway', (_code, last) => {
      this.#last = last;
      if (this.#session === session) this.#session = undefined;
    });
    session.on('error', () => undefined);
    this.#session = session;
    return session;
  }
}

/** Clients of both protocols without pause, until they are stopped. */
function startLoad(stage: TlsStage) {
  const failures: string[] = [];
  const answered = { 'HTTP/1.1': 0, 'HTTP/2': 0 };
  let isOver = false;
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  const run = async (protocol: keyof typeof answered, index: number) => {
    const domain = domains[index % domains.length] ?? '';
    const client = new Http2Client(stage, domain);
    const method = index % 2 === 0 ? 'GET' : 'POST';
    while (!isOver) {
      try {
        const status =
          protocol === 'HTTP/2'
            ? await client.status(method)
            : (await stage.get(domain, '/', { agent, method })).status;
        if (status === 200) answered[protocol] += 1;
        else failures.push(`${protocol} ${method} ${status}`);
      } catch (error) {
        failures.push(`${protocol} ${method} ${String(error)}`);
      }
    }
    client.close();
  };
  const clients = Array.from({ length: 24 }, (_, index) =>
    run(index % 3 === 0 ? 'HTTP/2' : 'HTTP/1.1', index),
  );
  const stop = async () => {
    isOver = true;
    await Promise.all(clients);
    agent.destroy();
    return { answered, failures };
  };
  return { stop };
}

test('ten certificates are renewed ten times under load, each time in few reloads, and no request is lost', async (t) => {
  const { stage } = await setUp(t);
  const load = startLoad(stage);
  const before = stage.loop?.status?.generation ?? 0;
  for (let round = 0; round < 10; round += 1) {
    const records = await Promise.all(domains.map((domain) => stage.issue([domain])));
    await Promise.all(records.map((record) => stage.put(record)));
    for (const record of records) await stage.served(record);
  }
  const { answered, failures } = await load.stop();
  const reloads = (stage.loop?.status?.generation ?? 0) - before;
  t.diagnostic(`${JSON.stringify(answered)}, ${reloads} reloads for 100 certificates`);
  assert.deepEqual(failures, []);
  assert.ok(answered['HTTP/1.1'] > 200 && answered['HTTP/2'] > 100, JSON.stringify(answered));
  assert.ok(reloads <= 50, `${reloads} reloads`);
});

test('connections of before a new certificate keep working: a slow answer, a stream of HTTP/2, a WebSocket', async (t) => {
  const { stage, slow } = await setUp(t);
  const [domain = ''] = domains;
  const { certificate } = stage.root;
  const late = stage.get(domain, '/slow');
  const session = connect(`https://127.0.0.1:${stage.httpsPort}`, { ca: certificate, servername: domain });
  const stream = session.request({ ':path': '/slow', ':authority': domain });
  const headers = once(stream, 'response');
  const socket = connectTls({
    host: '127.0.0.1',
    port: stage.httpsPort,
    servername: domain,
    ca: certificate,
  });
  socket.write(`GET / HTTP/1.1\r\nHost: ${domain}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`);
  assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 101 /);
  await until('both are with the replica', () => slow.length === 2);
  await stage.served(await stage.certify([domain]));
  for (const finish of slow.splice(0)) finish();
  assert.equal((await late).body, 'one');
  assert.equal(((await headers) as [{ ':status'?: number }])[0][':status'], 200);
  socket.write('after the reload');
  assert.equal(String((await once(socket, 'data'))[0]), 'after the reload');
  socket.destroy();
  session.close();
});

test('an upload over HTTP/2 beside a slow answer lingers for every address that its worker knows', async (t) => {
  const { stage, one, slow, replica } = await setUp(t);
  const two = await replica('two');
  t.after(() => two.close());
  await stage.register(two);
  await stage.inForce(two);
  const [domain = ''] = domains;
  const { client } = stage.parts.catalog;
  const session = connect(`https://127.0.0.1:${stage.httpsPort}`, {
    ca: stage.root.certificate,
    servername: domain,
  });
  const slowStream = session.request({ ':path': '/slow', ':authority': domain });
  const upload = session.request({ ':method': 'POST', ':path': '/', ':authority': domain });
  upload.write('first half');
  await until('one is with a replica', () => slow.length === 1);
  const instance = (await client.serviceInstances('polls-web')).value;
  const holder = one.requests.some(({ url }) => url === '/slow') ? one : two;
  const free = holder === one ? two : one;
  const leaving = instance.find(({ port }) => free.address.endsWith(`:${port}`));
  assert.ok(leaving);
  await markDraining(client, leaving, 'test');
  // The replica that has none of its requests may still get the upload.
  await stage.acknowledged('it lingers', ({ services, lingering }) => {
    const isOut = services['polls-web']?.includes(free.address) === false;
    return isOut && lingering[free.address]?.requests === 1;
  });
  upload.end('second half');
  assert.equal(((await once(upload, 'response')) as [{ ':status'?: number }])[0][':status'], 200);
  for (const finish of slow.splice(0)) finish();
  await once(slowStream, 'response');
  upload.resume();
  slowStream.resume();
  session.close();
  await stage.acknowledged('nothing lingers', ({ lingering }) => lingering[free.address] === undefined);
  await clearDraining(client, leaving);
});

test('a service is swapped by the acknowledged protocol under load over HTTPS, and no request is lost', async (t) => {
  const { stage, one, replica } = await setUp(t);
  const { client } = stage.parts.catalog;
  const load = startLoad(stage);
  let serving: Upstream = one;
  for (const name of ['two', 'three']) {
    const next = await replica(name);
    t.after(() => next.close());
    await stage.register(next);
    await stage.inForce(next);
    const { value } = await client.serviceInstances('polls-web');
    const leaving = value.find(({ port }) => serving.address.endsWith(`:${port}`));
    assert.ok(leaving);
    await markDraining(client, leaving, 'test');
    const { address } = serving;
    await stage.acknowledged(`${address} has no requests`, ({ services, lingering }) => {
      return services['polls-web']?.includes(address) === false && (lingering[address]?.requests ?? 0) === 0;
    });
    await serving.close();
    serving = next;
  }
  const { answered, failures } = await load.stop();
  t.diagnostic(JSON.stringify(answered));
  assert.deepEqual(failures, []);
  assert.equal((await client.kvGet(KEY.tlsAck('front'))).value === undefined, false);
});
