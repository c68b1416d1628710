import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  emptyBook,
  type GenerationBook,
  lingeringOf,
  withGeneration,
  withWorkers,
} from '../../src/edge/lingering.ts';
import { rotateLog } from '../../src/edge/log-size.ts';
import { renderNginx } from '../../src/edge/render.ts';
import { EdgeUnderTest, freePort, route, startUpstream, type Upstream, until } from './edge-nginx.ts';

let edge: EdgeUnderTest;
let one: Upstream;
let two: Upstream;
/** Address that nobody listens on. */
let dead: string;
/** Requests for /slow wait here. */
const slow: (() => void)[] = [];
const routes = [
  route(),
  route({ path: '/api', catalogService: 'polls-api' }),
  route({ domain: 'halfdead.test', catalogService: 'halfdead' }),
  route({ domain: 'empty.test', project: 'other', catalogService: 'empty' }),
];
const everywhere = () => ({
  'polls-web': [one.address],
  'polls-api': [two.address],
  halfdead: [two.address, dead],
});

before(async () => {
  edge = await EdgeUnderTest.make();
  one = await replica('one');
  two = await replica('two');
  dead = `127.0.0.1:${await freePort()}`;
  const model = edge.model(routes, everywhere());
  // The first configuration is written before there is an nginx that could test it.
  const written = await edge.control.apply({ generation: 1, text: renderNginx(model) }, edge.signal);
  assert.equal(written, 'written');
  await edge.startContainer();
  await until('nginx answers', async () => (await edge.control.running()) === 1).catch(
    async (error: unknown) => {
      throw new Error(`nginx does not answer: ${await edge.logs()}`, { cause: error });
    },
  );
});

after(async () => {
  await edge?.remove();
  await one?.close();
  await two?.close();
});

test('a request reaches the replica with the real client address over IPv4 and IPv6, whatever the client claims', async () => {
  for (const host of ['127.0.0.1', '::1']) {
    const answer = await get('/headers', {
      host,
      headers: { 'x-forwarded-for': '6.6.6.6', 'x-real-ip': '6.6.6.6' },
    });
    const headers = JSON.parse(answer.body) as Record<string, string>;
    assert.equal(headers['x-forwarded-for'], host);
    assert.equal(headers['x-real-ip'], host);
    assert.equal(headers['x-forwarded-proto'], 'http');
    assert.equal(headers['x-forwarded-host'], `polls.test:${edge.port}`);
    assert.equal(headers.host, `polls.test:${edge.port}`);
    assert.equal(headers['x-forwarded-port'], String(edge.port));
    assert.match(headers['x-request-id'] ?? '', /^[0-9a-f]{32}$/);
    assert.equal(headers.connection, undefined);
  }
});

test('the longest path wins and ends at a slash', async () => {
  for (const [path, expected] of [
    ['/who', 'one'],
    ['/api', 'two'],
    ['/api/', 'two'],
    ['/api/who', 'two'],
    ['/apis', 'one'],
  ])
    assert.equal((await get(path ?? '')).headers['x-replica'], expected, path);
});

test('connections to replicas are kept', async () => {
  const ports = new Set<string>();
  for (let index = 0; index < 10; index += 1) ports.add((await get('/port')).body);
  assert.ok(ports.size < 10, `${ports.size} connections for 10 requests`);
});

test('a route without replicas answers 503 as a page or as JSON, with Retry-After', async () => {
  const page = await get('/', { headers: { host: 'empty.test' } });
  assert.equal(page.status, 503);
  assert.match(page.headers['content-type'] ?? '', /^text\/html/);
  assert.equal(page.headers['retry-after'], '5');
  assert.match(page.body, /Unavailable for the moment/);
  const json = await get('/api', { headers: { host: 'empty.test', accept: 'application/json' } });
  assert.equal(json.status, 503);
  assert.equal(json.headers['retry-after'], '5');
  assert.match(json.headers['content-type'] ?? '', /^application\/json/);
  assert.equal(JSON.parse(json.body).error, 'unavailable');
  assert.equal((await get('/', { method: 'POST', headers: { host: 'empty.test' } })).status, 503);
});

test('an unknown host is cut without an answer', async () => {
  await assert.rejects(get('/', { headers: { host: 'unknown.test' } }), /hang up|ECONNRESET/);
});

test('a body is taken up to the limit of the route and refused above it', async () => {
  const fits = Buffer.alloc(4 * 1024 * 1024, 'x');
  assert.equal((await get('/size', { method: 'POST' }, fits)).body, String(fits.length));
  const refused = await get('/size', { method: 'POST' }, Buffer.alloc(fits.length + 1, 'x'));
  assert.equal(refused.status, 413);
});

test('GET goes to the other replica when one is dead', async () => {
  for (let index = 0; index < 6; index += 1)
    assert.equal((await get('/who', { headers: { host: 'halfdead.test' } })).status, 200);
});

test('a POST that a replica took and did not answer is not sent again, a GET is', async () => {
  const cutter = await startUpstream((request) => request.socket.destroy());
  const other = await startUpstream((request, response) => {
    request.resume();
    request.on('end', () => response.end('other'));
  });
  await edge.apply(routes, { ...everywhere(), halfdead: [cutter.address, other.address] });
  const host = { host: 'halfdead.test' };
  const posts = [];
  for (let index = 0; index < 2; index += 1)
    posts.push((await get('/', { method: 'POST', headers: host }, Buffer.from('a'))).status);
  assert.deepEqual(posts.toSorted(), [200, 502]);
  assert.equal(cutter.requests.length + other.requests.length, 2);
  for (let index = 0; index < 2; index += 1) assert.equal((await get('/', { headers: host })).status, 200);
  assert.ok(cutter.requests.length >= 2);
  await edge.apply(routes, everywhere());
  await Promise.all([cutter.close(), other.close()]);
});

test('WebSocket bytes go both ways', async () => {
  const socket = await webSocket();
  assert.equal(await echo(socket, 'hello'), 'hello');
  socket.destroy();
});

test('an upgrade to anything but WebSocket is not passed on', async () => {
  const answer = await get('/headers', {
    headers: {
      host: 'polls.test',
      upgrade: 'h2c',
      connection: 'Upgrade, HTTP2-Settings',
      'http2-settings': 'AAMAAABk',
    },
  });
  assert.equal(JSON.parse(answer.body).upgrade, undefined);
});

test('an event stream brings each event at once', async () => {
  const response = await open('/events', { headers: { accept: 'text/event-stream' } });
  const first = await new Promise<string>((resolve) =>
    response.once('data', (chunk) => resolve(String(chunk))),
  );
  // The stream stays open and has no second event: the first did not wait for a full buffer or the end.
  assert.equal(first, 'data: first\n\n');
  response.destroy();
});

test('a response that says X-Accel-Buffering: no is passed on at once', async () => {
  const response = await open('/events?unbuffered', {});
  const first = await new Promise<string>((resolve) =>
    response.once('data', (chunk) => resolve(String(chunk))),
  );
  assert.equal(first, 'data: first\n\n');
  response.destroy();
});

test('20 reloads under 32 busy keep-alive clients lose no request', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  let isOver = false;
  let answered = 0;
  const failures: string[] = [];
  const clients = Array.from({ length: 32 }, async (_, index) => {
    while (!isOver) {
      const method = index % 2 === 0 ? 'GET' : 'POST';
      try {
        const body = method === 'POST' ? Buffer.from('x'.repeat(1000)) : undefined;
        const answer = await get('/size', { method, agent }, body);
        if (answer.status === 200) answered += 1;
        else failures.push(`${answer.status}`);
      } catch (error) {
        failures.push(String(error));
      }
    }
  });
  for (let index = 0; index < 20; index += 1)
    await edge.apply(routes, {
      ...everywhere(),
      'polls-web': index % 2 === 0 ? [two.address] : [one.address],
    });
  isOver = true;
  await Promise.all(clients);
  agent.destroy();
  assert.deepEqual(failures, []);
  assert.ok(answered > 500, `${answered} answered`);
});

test('a configuration that nginx refuses changes nothing', async () => {
  const before = await edge.control.current();
  const broken = { generation: 900, text: `${before?.text}\nbroken` };
  await assert.rejects(edge.control.apply(broken, edge.signal), /does not accept/);
  assert.deepEqual(await edge.control.current(), before);
  assert.equal((await get('/who')).status, 200);
});

test('an old worker with an open WebSocket holds only an upgraded connection', async () => {
  const book = await settled();
  const socket = await webSocket();
  await echo(socket, 'before');
  const { lingering } = await swapTo(book, {
    ...everywhere(),
    'polls-web': [two.address],
  });
  const calm = await until('idle connections closed', async () => {
    const now = await lingering();
    return now[one.address]?.requests === 0 && now;
  });
  assert.deepEqual(calm, { [one.address]: { requests: 0, upgraded: 1 } });
  assert.equal(await echo(socket, 'after the reload'), 'after the reload');
  socket.destroy();
  await until('nothing lingers', async () => Object.keys(await lingering()).length === 0);
});

test('a slow request on an old worker is one lingering request until it is answered', async () => {
  const book = await settled();
  const answer = get('/slow');
  await until('the request is with the replica', () => slow.length === 1);
  const { lingering } = await swapTo(book, { ...everywhere(), 'polls-web': [two.address] });
  await until('other connections closed', async () => (await lingering())[one.address]?.requests === 1);
  for (const finish of slow.splice(0)) finish();
  assert.equal((await answer).status, 200);
  await until('nothing lingers', async () => Object.keys(await lingering()).length === 0);
});

test('an upload that an old worker has not passed on yet lingers, and then arrives at the old replica', async () => {
  const book = await settled();
  const upload = request({
    host: '127.0.0.1',
    port: edge.port,
    method: 'POST',
    path: '/size',
    agent: false,
    headers: { host: 'polls.test', 'content-length': 10 },
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) =>
    upload.on('response', resolve).on('error', reject),
  );
  upload.write('12345');
  await until('nginx has the connection', () => upload.socket?.readyState === 'open');
  const { lingering } = await swapTo(book, { ...everywhere(), 'polls-web': [two.address] });
  await until('it lingers', async () => (await lingering())[one.address]?.requests === 1);
  upload.end('67890');
  const response = await answer;
  assert.equal(response.headers['x-replica'], 'one');
  response.resume();
  await until('nothing lingers', async () => Object.keys(await lingering()).length === 0);
});

test('old workers that nobody remembers are taken to know every address', async () => {
  await settled();
  const answer = get('/slow');
  await until('the request is with the replica', () => slow.length === 1);
  const { generation } = await swapTo(emptyBook, { ...everywhere(), 'polls-web': [two.address] });
  const look = async () => {
    const workers = (await edge.control.workers(edge.signal)) ?? [];
    return lingeringOf(workers, emptyBook, generation, new Set([two.address]), [one.address, '127.0.0.1:1']);
  };
  await until('both are unknown', async () => {
    const now = await look();
    return now[one.address]?.requests === -1 && now['127.0.0.1:1']?.requests === -1;
  });
  for (const finish of slow.splice(0)) finish();
  await answer;
  await until('nothing lingers', async () => Object.keys(await look()).length === 0);
});

test('an old worker that is told to go is gone, with its WebSocket', async () => {
  await settled();
  const socket = await webSocket();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await edge.apply(routes, { ...everywhere(), 'polls-web': [two.address] });
  const old = await until('it is shutting down', async () => {
    const workers = (await edge.control.workers(edge.signal)) ?? [];
    const leaving = workers.filter((worker) => worker.isShuttingDown);
    return leaving.length === 1 && leaving[0]?.clients === 1 && leaving;
  });
  await edge.control.endWorkers(old, edge.signal);
  await closed;
  await settled();
});

test('the access log is rotated without a line lost, and nginx still reloads afterwards', async () => {
  const path = join(edge.folder, 'logs', 'access.log');
  await get('/who?before-rotation');
  const reopen = () => edge.control.reopenLogs(edge.signal);
  assert.equal(await rotateLog({ logPath: path, limitBytes: 0, reopen }), true);
  await until('the new file is there', () =>
    stat(path).then(
      () => true,
      () => false,
    ),
  );
  await get('/who?after-rotation');
  await until('the line is in the new file', async () =>
    (await readFile(path, 'utf8')).includes('after-rotation'),
  );
  assert.match(await readFile(`${path}.1`, 'utf8'), /before-rotation/);
  await edge.apply(routes, everywhere());
});

test('the access log has one JSON object a request', async () => {
  await get('/who?log=%22quoted%22');
  const line = await until('the line is flushed', async () => {
    const text = await readFile(join(edge.folder, 'logs', 'access.log'), 'utf8');
    return text.split('\n').find((candidate) => candidate.includes('log=%22'));
  });
  const entry = JSON.parse(line) as Record<string, string>;
  assert.equal(entry.project, 'polls');
  assert.equal(entry.service, 'polls-web');
  assert.equal(entry.route, 'polls.test/');
  assert.equal(entry.status, '200');
  assert.equal(entry.remote_addr, '127.0.0.1');
  assert.ok(Number(entry.request_time) >= 0);
});

function replica(name: string): Promise<Upstream> {
  return startUpstream(
    (request, response) => {
      response.setHeader('x-replica', name);
      const { pathname } = new URL(request.url ?? '/', 'http://x');
      if (pathname === '/headers') return response.end(JSON.stringify(request.headers));
      if (pathname === '/port') return response.end(String(request.socket.remotePort));
      if (pathname === '/slow') return slow.push(() => response.end('late'));
      if (pathname === '/events') {
        if (request.url?.endsWith('unbuffered')) response.setHeader('x-accel-buffering', 'no');
        response.setHeader('content-type', 'text/event-stream');
        return response.write('data: first\n\n');
      }
      let bytes = 0;
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      request.on('end', () => response.end(String(bytes)));
      return undefined;
    },
    (socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      socket.on('data', (chunk) => socket.write(chunk));
      socket.on('error', () => socket.destroy());
      socket.on('end', () => socket.end());
    },
  );
}

/** Back to the usual configuration, and nothing of earlier tests is left. */
async function settled(): Promise<GenerationBook> {
  const generation = await edge.apply(routes, everywhere());
  await until('old workers are gone', async () => {
    const workers = (await edge.control.workers(edge.signal)) ?? [];
    return workers.every((worker) => !worker.isShuttingDown);
  });
  const book = withGeneration(emptyBook, generation, Object.values(everywhere()).flat());
  return withWorkers(book, (await edge.control.workers(edge.signal)) ?? [], generation);
}

async function swapTo(book: GenerationBook, addresses: Record<string, string[]>) {
  const generation = await edge.apply(routes, addresses);
  const inForce = new Set(Object.values(addresses).flat());
  const lingering = async () =>
    lingeringOf((await edge.control.workers(edge.signal)) ?? [], book, generation, inForce, []);
  return { generation, lingering };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function open(path: string, options: RequestOptions, body?: Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { headers, ...rest } = options;
    const host = `polls.test:${edge.port}`;
    const call = request({
      host: '127.0.0.1',
      port: edge.port,
      path,
      agent: false,
      timeout: 20_000,
      ...rest,
      headers: { host, ...(headers as object) },
    });
    call.on('response', resolve);
    call.on('error', reject);
    call.on('timeout', () => call.destroy(new Error('no answer within 20 s')));
    call.end(body);
  });
}

async function get(path: string, options: RequestOptions = {}, body?: Buffer): Promise<Answer> {
  const response = await open(path, options, body);
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}

function webSocket(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(edge.port, '127.0.0.1', () => {
      socket.write(
        'GET /socket HTTP/1.1\r\nHost: polls.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      );
    });
    socket.on('error', reject);
    socket.once('data', (chunk) => {
      if (/^HTTP\/1.1 101 /.test(String(chunk))) resolve(socket);
      else reject(new Error(String(chunk)));
    });
  });
}

function echo(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk) => resolve(String(chunk)));
    socket.once('close', () => reject(new Error('closed')));
    socket.write(text);
  });
}
