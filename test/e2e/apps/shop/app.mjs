// The common naive app: it ends at once on SIGTERM and leaves requests under way unanswered. Nothing but Node.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { hostname } from 'node:os';

const { VERSION = 'dev', CRASH, NEVER_HEALTHY, MIGRATE_FAIL, DATA = '/data' } = process.env;
const { SLOW_START_MS = '0', SLOW_STOP_MS = '0' } = process.env;
const mode = process.argv[2] ?? 'web';
const PORTS = { web: 8000, api: 9000, store: 7000 };
const instance = `${hostname()}-${randomBytes(3).toString('hex')}`;

process.on('SIGTERM', () => (SLOW_STOP_MS === '0' ? process.exit(0) : setTimeout(() => process.exit(0), Number(SLOW_STOP_MS))));
process.on('SIGINT', () => process.exit(0));

function send(response, value, status = 200) {
  const body = `${JSON.stringify(value)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function about(request, url) {
  const { host, 'x-forwarded-for': forwardedFor, 'x-forwarded-proto': proto } = request.headers;
  const id = url.searchParams.get('id') ?? undefined;
  return { version: VERSION, service: mode, instance, host, id, forwardedFor, proto, path: url.pathname };
}

/** GET on a connection of its own, so that every call looks the name up again. */
function fetchJson(url) {
  return new Promise((resolve, reject) => {
    const call = get(url, { agent: false, timeout: 5000 }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) });
        } catch (error) {
          reject(error);
        }
      });
    });
    call.on('timeout', () => call.destroy(new Error('no answer within 5 s')));
    call.on('error', reject);
  });
}

function echo(request, response, url) {
  const hash = createHash('sha256');
  let bytes = 0;
  request.on('data', (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  request.on('end', () => send(response, { ...about(request, url), bytes, sha256: hash.digest('hex') }));
}

async function callApi(request, response, url) {
  try {
    const { status, body } = await fetchJson('http://api:9000/');
    send(response, { ...about(request, url), api: body }, status === 200 ? 200 : 502);
  } catch (error) {
    send(response, { ...about(request, url), error: `api: ${error.code ?? error.message}` }, 502);
  }
}

function events(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let count = 0;
  const tell = () => response.write(`data: ${JSON.stringify({ version: VERSION, instance, count: count++ })}\n\n`);
  tell();
  const timer = setInterval(tell, 500);
  response.on('close', () => clearInterval(timer));
}

function countVisit() {
  const file = `${DATA}/count`;
  let count = 0;
  try {
    count = Number(readFileSync(file, 'utf8'));
  } catch {}
  writeFileSync(`${file}.new`, `${count + 1}`);
  renameSync(`${file}.new`, file);
  return count + 1;
}

function answer(request, response) {
  const url = new URL(request.url, 'http://x');
  switch (url.pathname) {
    case '/':
      return send(response, { ...about(request, url), ...(mode === 'store' ? { count: countVisit() } : {}) });
    case '/slow':
      return setTimeout(() => send(response, about(request, url)), Number(url.searchParams.get('ms') ?? 3000));
    case '/echo':
      return echo(request, response, url);
    case '/api':
      return callApi(request, response, url);
    case '/sse':
      return events(response);
    case '/healthz':
      return NEVER_HEALTHY ? send(response, { error: 'told to be unwell' }, 503) : send(response, { ok: true });
    case '/crash':
      console.error('told to crash by a request');
      return process.exit(1);
    default:
      return send(response, { ...about(request, url), error: 'no such page' }, 404);
  }
}

/** WebSocket echo of frames up to 125 bytes (RFC 6455, sections 4.2.2 and 5.2). */
function upgrade(request, socket) {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
  socket.write(`Sec-WebSocket-Accept: ${accept.digest('base64')}\r\nX-Version: ${VERSION}\r\nX-Instance: ${instance}\r\n\r\n`);
  let pending = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 6 && pending.length >= 6 + (pending[1] & 127)) {
      const size = pending[1] & 127;
      if ((pending[0] & 15) === 8 || size > 125) return socket.end(Buffer.from([0x88, 0]));
      const payload = pending.subarray(6, 6 + size).map((byte, index) => byte ^ pending[2 + (index % 4)]);
      socket.write(Buffer.concat([Buffer.from([pending[0], size]), payload]));
      pending = pending.subarray(6 + size);
    }
  });
}

if (mode === 'check') {
  const port = PORTS[process.argv[3] ?? 'web'];
  const health = await fetchJson(`http://127.0.0.1:${port}/healthz`).catch((error) => ({ error: String(error) }));
  console.log(JSON.stringify(health));
  process.exit(health.status === 200 ? 0 : 1);
} else if (mode === 'migrate') {
  console.log(`migrating to ${VERSION}`);
  if (MIGRATE_FAIL) console.error('column "colour" of relation "item" already exists');
  process.exit(MIGRATE_FAIL ? 1 : 0);
} else if (CRASH) {
  console.error('cannot start: the setting PAYMENT_KEY is missing');
  process.exit(1);
} else {
  const server = createServer(answer).on('upgrade', upgrade);
  setTimeout(() => server.listen(PORTS[mode], () => console.log(`${mode} ${VERSION} listens`)), Number(SLOW_START_MS));
}
