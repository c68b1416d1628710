import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { KEY, type RouteRecord } from '../../src/catalog/record.ts';
import { type CertificateRecord, SEAL } from '../../src/catalog/tls-record.ts';
import { seal } from '../../src/secrets/index.ts';
import { makeRoot } from '../test-certificates.ts';
import { route, startUpstream, type Upstream, until } from './edge-nginx.ts';
import { routeTls, TlsStage } from './edge-tls-stage.ts';

let replica: Upstream;

before(async () => {
  replica = await startUpstream((request, response) => {
    response.setHeader('strict-transport-security', 'max-age=1');
    response.end(JSON.stringify(request.headers));
  });
});

after(() => replica?.close());

/** An edge that serves these domains with the replica above. */
async function stageWith(
  t: TestContext,
  routes: readonly Partial<RouteRecord>[],
  rules: Parameters<typeof TlsStage.make>[1] = {},
): Promise<TlsStage> {
  const stage = await TlsStage.make(t, rules);
  await stage.register(replica);
  await stage.publish(routes.map((change) => route(change)));
  return stage;
}

/** Ends a TLS handshake well or with the error's code. */
function handshake(port: number, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    socket.on('secureConnect', () => {
      resolve(socket.alpnProtocol || 'connected');
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

test('a domain is served over HTTP/1.1 and HTTP/2, and the replica learns how it was asked', async (t) => {
  const stage = await stageWith(t, [{ domain: 'a.test', tls: routeTls('a.test') }]);
  await stage.served(await stage.certify(['a.test']));
  await stage.inForce(replica);
  const { httpsPort } = stage;
  assert.equal(await handshake(httpsPort, { servername: 'a.test', ALPNProtocols: ['h2', 'http/1.1'] }), 'h2');
  const fake = { 'x-forwarded-proto': 'http', 'x-client-verify': 'SUCCESS', 'x-client-dn': 'CN=root' };
  // Event streams have a location, and so a list of headers, of their own.
  for (const accept of ['*/*', 'text/event-stream']) {
    const answer = await stage.get('a.test', '/', { headers: { ...fake, accept } });
    const seen = JSON.parse(answer.body) as Record<string, string>;
    assert.equal(seen['x-forwarded-proto'], 'https');
    assert.equal(seen['x-forwarded-port'], String(httpsPort));
    assert.equal(seen['x-forwarded-for'], '127.0.0.1');
    assert.equal(seen['x-forwarded-host'], `a.test:${httpsPort}`);
    assert.equal(seen['x-client-verify'], undefined);
    assert.equal(seen['x-client-dn'], undefined);
  }
});

test('names that are not served get no handshake, and old clients none either', async (t) => {
  const stage = await stageWith(t, [
    { domain: 'a.test', tls: routeTls('a.test') },
    { domain: '*.wild.test', tls: routeTls('_wildcard.wild.test') },
    { domain: 'plain.wild.test' },
    { domain: 'waiting.wild.test', tls: routeTls('waiting.wild.test') },
  ]);
  await stage.served(await stage.certify(['a.test']));
  await stage.served(await stage.certify(['*.wild.test']));
  const { httpsPort } = stage;
  for (const servername of ['unknown.test', '', 'plain.wild.test', 'waiting.wild.test'])
    assert.equal(
      await handshake(httpsPort, { servername }),
      'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
      JSON.stringify(servername),
    );
  assert.equal(await handshake(httpsPort, { servername: 'any.wild.test' }), 'connected');
  const weak = ['-cipher', 'ALL:@SECLEVEL=0'];
  assert.match(
    await openssl(stage, ['-tls1_2', '-cipher', 'AES128-SHA:@SECLEVEL=0']),
    /alert handshake failure/,
  );
  assert.match(await openssl(stage, ['-tls1_1', ...weak]), /alert protocol version/);
  for (const options of [
    ['-tls1', ...weak],
    ['-tls1_1', ...weak],
    ['-tls1_2', '-cipher', 'AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0'],
  ])
    assert.match(await openssl(stage, options), /Cipher is \(NONE\)|alert/, options.join(' '));
  assert.match(await openssl(stage, ['-tls1_2']), /Cipher is ECDHE-/);
  assert.match(await openssl(stage, ['-tls1_3']), /Cipher is TLS_/);
});

/** What OpenSSL in the edge container, on the host's network, says of a connection to the edge. */
async function openssl(
  { httpsPort, parts: { edge } }: TlsStage,
  options: readonly string[],
): Promise<string> {
  const argv = [
    'openssl',
    's_client',
    '-connect',
    `127.0.0.1:${httpsPort}`,
    '-servername',
    'a.test',
    ...options,
  ];
  const { stdout, stderr } = await edge.docker.exec(edge.container, argv, { timeoutMs: 20_000 });
  return `${stdout}${stderr}`;
}

test('with two keys the client chooses, and the hybrid group is there where OpenSSL has it', async (t) => {
  const stage = await stageWith(t, [{ domain: 'a.test', tls: routeTls('a.test') }]);
  const [ecdsa, rsa] = [await stage.issue(['a.test']), await stage.issue(['a.test'], { type: 'rsa' })];
  await stage.served(await both(stage, ecdsa, rsa));
  for (const kind of ['ECDSA', 'RSA']) {
    const cipher = `ECDHE-${kind}-AES128-GCM-SHA256`;
    assert.match(await openssl(stage, ['-tls1_2', '-cipher', cipher]), new RegExp(`Cipher is ${cipher}`));
  }
  assert.match(await openssl(stage, ['-groups', 'X25519MLKEM768']), /Cipher is TLS_/);
});

/** One record with the keys of two. */
async function both(stage: TlsStage, one: CertificateRecord, two: CertificateRecord) {
  const record = { ...one, keys: [...one.keys, ...two.keys] };
  await stage.put(record);
  return record;
}

test('the modern policy takes TLS 1.3 only', async (t) => {
  const stage = await stageWith(t, [{ domain: 'a.test', tls: routeTls('a.test') }], { tlsPolicy: 'modern' });
  await stage.served(await stage.certify(['a.test']));
  assert.match(await openssl(stage, ['-tls1_2']), /alert protocol version/);
  assert.match(await openssl(stage, ['-tls1_3']), /Cipher is TLS_/);
});

test('HTTP/3 is offered and shakes hands, through a reload too; unknown names are refused', async (t) => {
  const stage = await stageWith(t, [{ domain: 'a.test', tls: routeTls('a.test') }], { http3: true });
  await stage.served(await stage.certify(['a.test']));
  await stage.inForce(replica);
  const altSvc = (await stage.get('a.test')).headers['alt-svc'];
  assert.equal(altSvc, `h3=":${stage.httpsPort}"; ma=86400`);
  const quic = ['-quic', '-alpn', 'h3'];
  assert.match(await openssl(stage, quic), /ALPN protocol: h3/);
  await stage.served(await stage.certify(['a.test']));
  assert.match(await openssl(stage, quic), /ALPN protocol: h3/);
  assert.doesNotMatch(await openssl(stage, ['-servername', 'unknown.test', ...quic]), /ALPN protocol: h3/);
});

test('a request for another domain than the connection is for is misdirected, unless one certificate is for both', async (t) => {
  const stage = await TlsStage.make(t);
  const other = await makeRoot('CN=Clients');
  await stage.register(replica);
  await stage.publish([
    route({ domain: 'a.test', tls: routeTls('a.test') }),
    route({ domain: 'also-a.test', tls: routeTls('a.test') }),
    route({ domain: 'b.test', tls: routeTls('b.test') }),
    route({ domain: 'closed.test', tls: routeTls('a.test', { clientCa: other.certificate }) }),
  ]);
  await stage.served(await stage.certify(['a.test', 'also-a.test', 'closed.test']));
  await stage.served(await stage.certify(['b.test']));
  await stage.inForce(replica);
  const { certificate } = stage.root;
  const client = await other.issue(['someone'], { isClient: true });
  const ask = async (servername: string, host: string, options = {}) =>
    (
      await stage.get(host, '/', {
        servername,
        ca: certificate,
        checkServerIdentity: () => undefined,
        ...options,
      })
    ).status;
  assert.equal(await ask('a.test', 'also-a.test'), 200);
  assert.equal(await ask('A.Test', 'a.test'), 200);
  assert.equal(await ask('a.test', 'b.test'), 421);
  assert.equal(await ask('a.test', 'closed.test'), 421);
  assert.equal(await ask('a.test', 'unknown.test'), 421);
  const shown = { cert: client.chain, key: client.key };
  assert.equal(await ask('closed.test', 'closed.test', shown), 200);
  // A connection with a client certificate is not one for other domains: they would see it as theirs.
  assert.equal(await ask('closed.test', 'a.test', shown), 421);
});

test("client certificates: none and another CA's are refused, and only Seawall says who the client is", async (t) => {
  const stage = await TlsStage.make(t);
  const clients = await makeRoot('CN=Clients');
  await stage.register(replica);
  const tls = routeTls('closed.test', { clientCa: clients.certificate, redirect: false });
  await stage.publish([route({ domain: 'closed.test', tls })]);
  await stage.served(await stage.certify(['closed.test']));
  await stage.inForce(replica);
  const good = await clients.issue(['alice'], { isClient: true });
  const bad = await stage.root.issue(['mallory'], { isClient: true });
  assert.equal((await stage.get('closed.test')).status, 400);
  assert.equal((await stage.get('closed.test', '/', { cert: bad.chain, key: bad.key })).status, 400);
  for (const accept of ['*/*', 'text/event-stream']) {
    const headers = { 'x-client-dn': 'CN=root', 'x-client-verify': 'NONE', accept };
    const answer = await stage.get('closed.test', '/', { cert: good.chain, key: good.key, headers });
    const seen = JSON.parse(answer.body) as Record<string, string>;
    assert.equal(seen['x-client-verify'], 'SUCCESS');
    assert.equal(seen['x-client-dn'], 'CN=alice');
  }
  // `redirect: false` would let everybody in.
  assert.equal((await stage.plain('closed.test')).status, 301);
});

test('CAs of client certificates that cannot be read let nobody in', async (t) => {
  const stage = await stageWith(t, [
    { domain: 'closed.test', tls: routeTls('closed.test', { clientCa: 'no PEM' }) },
    { domain: 'a.test', tls: routeTls('a.test') },
  ]);
  await stage.certify(['closed.test']);
  await stage.served(await stage.certify(['a.test']));
  await stage.acknowledged('it is told', ({ problems }) =>
    /client certificates cannot be read/.test(JSON.stringify(problems)),
  );
  assert.equal(
    await handshake(stage.httpsPort, { servername: 'closed.test' }),
    'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
  );
  assert.equal((await stage.plain('closed.test')).status, 301);
});

test('plain HTTP redirects, keeps method, path and query, and answers challenges for every host', async (t) => {
  const stage = await stageWith(t, [
    { domain: 'a.test', tls: routeTls('a.test') },
    { domain: 'both.test', tls: routeTls('both.test', { redirect: false }) },
    { domain: 'plain.test' },
  ]);
  await stage.inForce(replica);
  const { client } = stage.parts.catalog;
  await client.kvPut(KEY.challengeAnswer('tok_en-1'), 'tok_en-1.thumb');
  await client.kvPut(KEY.challengeAnswer('..'), '...thumb');
  await client.kvPut(KEY.revocationList, Buffer.from([0x30, 0x00, 0xff]).toString('base64'));
  const ack = await stage.said('the answer is there', ({ answers }) => answers.includes('tok_en-1'));
  assert.deepEqual(ack.answers, ['tok_en-1']);
  assert.equal(ack.problems['a.test'], 'it is not in the catalog yet');
  for (const [method, status] of [
    ['GET', 301],
    ['HEAD', 301],
    ['POST', 308],
    ['DELETE', 308],
  ] as const) {
    const answer = await stage.plain('a.test', '/some/%20path?a=1&b=%2F', { method });
    assert.equal(answer.status, status, method);
    assert.equal(answer.headers.location, `https://a.test:${stage.httpsPort}/some/%20path?a=1&b=%2F`);
  }
  assert.equal((await stage.plain('both.test')).status, 200);
  assert.equal((await stage.plain('plain.test')).status, 200);
  for (const host of ['a.test', 'both.test', 'plain.test', 'unknown.test', '127.0.0.1']) {
    const answer = await stage.plain(host, '/.well-known/acme-challenge/tok_en-1');
    assert.equal(answer.body, 'tok_en-1.thumb', host);
    assert.equal(answer.headers['content-type'], 'application/octet-stream');
    assert.equal((await stage.plain(host, '/.well-known/acme-challenge/other')).status, 404);
    const list = await stage.plain(host, '/.well-known/seawall/ca.crl');
    assert.equal(list.headers['content-type'], 'application/pkix-crl');
    assert.equal(list.headers['content-length'], '3');
  }
  await assert.rejects(stage.plain('unknown.test'), /hang up|ECONNRESET/);
  const generation = stage.loop?.status?.generation;
  await client.kvDelete(KEY.challengeAnswer('tok_en-1'));
  await stage.said('the answer is gone', ({ answers }) => answers.length === 0);
  assert.equal((await stage.plain('a.test', '/.well-known/acme-challenge/tok_en-1')).status, 404);
  assert.equal(stage.loop?.status?.generation, generation);
  // Once its certificate is there, the domain is served without anybody's doing.
  await stage.served(await stage.certify(['a.test']));
  assert.equal((await stage.get('a.test')).status, 200);
});

test('HSTS is sent once public certificates have lasted a day, once, and on every answer', async (t) => {
  const stage = await stageWith(t, [
    { domain: 'a.test', tls: routeTls('a.test') },
    { domain: 'a.test', path: '/away', catalogService: 'nobody', tls: routeTls('a.test') },
    { domain: 'own.test', tls: routeTls('own.test') },
    { domain: 'off.test', tls: routeTls('off.test', { hsts: 'off' }) },
  ]);
  const publicSince = new Date(stage.wallMs - 23 * 3_600_000).toISOString();
  for (const name of ['a.test', 'off.test']) await stage.served(await stage.certify([name], { publicSince }));
  await stage.served(await stage.certify(['own.test'], { source: 'internal', issuer: 'internal' }));
  await stage.inForce(replica);
  const hsts = async (domain: string, path = '/') =>
    (await stage.get(domain, path)).headers['strict-transport-security'];
  assert.equal(await hsts('a.test'), undefined);
  assert.equal(await hsts('off.test'), 'max-age=1');
  stage.wallMs += 2 * 3_600_000;
  await until('HSTS is there', async () => (await hsts('a.test')) !== undefined);
  for (const path of ['/', '/away', '/away/x'])
    assert.equal(await hsts('a.test', path), 'max-age=15552000', path);
  assert.equal(await hsts('own.test'), undefined);
  assert.equal((await stage.plain('a.test')).headers['strict-transport-security'], undefined);
});

test('replicas that serve HTTPS are verified: those of another CA or name get no requests', async (t) => {
  const stage = await TlsStage.make(t);
  const root = await makeRoot('CN=Private');
  const answer = (name: string) => (_: unknown, response: { end: (text: string) => void }) =>
    response.end(name);
  const make = async (from: typeof root, name: string) => {
    const { chain, key } = await from.issue([name]);
    const upstream = await startUpstream(answer(name), undefined, { cert: chain, key });
    t.after(() => upstream.close());
    return upstream;
  };
  const good = await make(root, 'web.internal');
  const wrongName = await make(root, 'other.internal');
  const wrongRoot = await make(stage.root, 'web.internal');
  await stage.publish([
    route({ upstreamTls: { trust: 'internal', serverName: 'web.internal' } }),
    route({
      domain: 'given.test',
      catalogService: 'given',
      upstreamTls: { trust: root.certificate, serverName: 'web.internal' },
    }),
  ]);
  for (const upstream of [good, wrongName, wrongRoot]) await stage.register(upstream);
  await stage.register(good, { name: 'given' });
  await stage.inForce(good, 'given');
  assert.equal((await stage.plain('given.test')).body, 'web.internal');
  await stage.acknowledged('the CA is missed', ({ problems }) =>
    /private CA .* not there yet/.test(JSON.stringify(problems)),
  );
  assert.equal((await stage.plain('polls.test')).status, 503);
  const authority = { root: { certificate: root.certificate, key: 'sealed' } };
  await stage.parts.catalog.client.kvPut(KEY.authority, JSON.stringify(authority));
  // Their plain TCP probes may have let them in before the CA was known: then nginx itself refuses them.
  await stage.inForce(good);
  const answers = await Promise.all(Array.from({ length: 12 }, () => stage.plain('polls.test')));
  assert.deepEqual([...new Set(answers.map(({ body }) => body))], ['web.internal']);
  assert.equal(wrongName.requests.length + wrongRoot.requests.length, 0);
});

test('a balancer in front says who the client is by the PROXY protocol, and clients cannot', async (t) => {
  const stage = await stageWith(
    t,
    [{ domain: 'a.test', tls: routeTls('a.test') }, { domain: 'plain.test' }],
    {
      proxyProtocol: true,
      trustedProxies: ['127.0.0.0/8'],
    },
  );
  await stage.served(await stage.certify(['a.test']));
  await stage.inForce(replica);
  const { root } = stage;
  const { edge } = stage.parts;
  const say = (port: number, source: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`PROXY TCP4 ${source} 127.0.0.1 40000 ${port}\r\n`);
    return socket;
  };
  const head = (host: string) =>
    `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n`;
  const plain = say(edge.port, '203.0.113.9');
  plain.write(head('plain.test'));
  assert.match(await textOf(plain), /"x-real-ip":"203\.0\.113\.9","x-forwarded-for":"203\.0\.113\.9"/);
  const socket = say(stage.httpsPort, '203.0.113.10');
  const tls = connectTls({ socket, servername: 'a.test', ca: root.certificate });
  tls.write(head('a.test'));
  assert.match(await textOf(tls), /"x-forwarded-for":"203\.0\.113\.10"/);
  await assert.rejects(stage.plain('plain.test'));
});

function textOf(socket: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(text));
  });
}

test('headers of a proxy that is trusted are kept and appended to; who has HTTPS with it is not redirected', async (t) => {
  const closed = await makeRoot('CN=Clients');
  const stage = await stageWith(
    t,
    [
      { domain: 'a.test', tls: routeTls('a.test') },
      { domain: 'closed.test', tls: routeTls('a.test', { clientCa: closed.certificate }) },
    ],
    { trustedProxies: ['127.0.0.1/32'] },
  );
  await stage.served(await stage.certify(['a.test', 'closed.test']));
  await stage.inForce(replica);
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' };
  const answer = await stage.plain('a.test', '/', { headers });
  const seen = JSON.parse(answer.body) as Record<string, string>;
  assert.equal(seen['x-real-ip'], '203.0.113.9');
  assert.equal(seen['x-forwarded-for'], '203.0.113.9, 127.0.0.1');
  assert.equal(seen['x-forwarded-proto'], 'https');
  assert.equal(seen['x-forwarded-port'], '443');
  assert.equal(seen['x-forwarded-host'], 'a.test');
  assert.equal(
    (await stage.plain('a.test', '/', { headers: { ...headers, 'x-forwarded-proto': 'http' } })).status,
    301,
  );
  assert.equal((await stage.plain('a.test', '/', { method: 'POST' })).status, 308);
  assert.equal((await stage.plain('closed.test', '/', { headers })).status, 301);
  const stranger = { headers, localAddress: '127.0.0.9' };
  assert.equal((await stage.plain('a.test', '/', stranger)).status, 301);
  const direct = JSON.parse((await stage.get('a.test', '/', stranger)).body) as Record<string, string>;
  assert.equal(direct['x-forwarded-for'], '127.0.0.9');
  assert.equal(direct['x-forwarded-proto'], 'https');
});

test('a record that is wrong is told of and the certificate before it serves on; files nobody names go', async (t) => {
  const stage = await stageWith(t, [{ domain: 'a.test', tls: routeTls('a.test') }]);
  const good = await stage.certify(['a.test']);
  await stage.served(good);
  const next = await stage.issue(['a.test']);
  const [key] = next.keys;
  const foreign = await stage.root.issue(['a.test']);
  const wrong = {
    'key does not belong': {
      ...next,
      keys: [{ ...key, key: seal(stage.clusterKey, foreign.key, SEAL.key('a.test')) }],
    },
    'cannot be unsealed': {
      ...next,
      keys: [{ ...key, key: seal(stage.clusterKey, foreign.key, SEAL.key('b.test')) }],
    },
    'newest record is not for a.test': await stage.issue(['b.test'], {}, { id: 'a.test' }),
    'no JSON': undefined,
    'OpenSSL does not take it': await stage.issue(['a.test'], { type: 'rsa', bits: 1024 }),
  };
  for (const [problem, record] of Object.entries(wrong)) {
    const sealed = record === undefined ? '{' : JSON.stringify(record);
    await stage.parts.catalog.client.kvPut(KEY.liveCertificate('a.test'), sealed);
    const ack = await stage.said(problem, ({ problems }) => problems['a.test']?.includes(problem) === true);
    assert.deepEqual(ack.certificates['a.test'], [good.keys[0]?.fingerprint]);
  }
  await stage.put(next);
  const ack = await stage.served(next);
  assert.deepEqual(ack.problems, {});
  assert.equal((await stage.get('a.test')).status, 200);
  const folder = join(stage.parts.edge.folder, 'certs', 'a.test');
  // As many generations as are kept on the disk, and one more.
  for (let index = 0; index < 7; index += 1) await stage.served(await stage.certify(['a.test']));
  await until('old files are gone', async () => {
    const files = await readdir(folder);
    return !files.some((name) => name.startsWith(good.keys[0]?.fingerprint ?? '?')) && files.length <= 14;
  });
});

test('workers cannot read keys, and nobody else on the host can', async (t) => {
  const stage = await stageWith(t, [{ domain: 'a.test', tls: routeTls('a.test') }]);
  const { keys } = await stage.certify(['a.test']);
  await stage.said('it is served', ({ certificates }) => certificates['a.test'] !== undefined);
  const { edge } = stage.parts;
  const folder = join(edge.folder, 'certs', 'a.test');
  const key = join(folder, `${keys[0]?.fingerprint}.key`);
  for (const [path, mode] of [
    [key, 0o600],
    [folder, 0o700],
    [join(edge.folder, 'certs'), 0o700],
  ] as const) {
    const { mode: found, uid } = await stat(path);
    assert.equal(found & 0o777, mode, path);
    assert.equal(uid, 0);
  }
  const outcome = await new Promise<string>((resolve) => {
    execFile('docker', ['exec', '--user', 'nginx', edge.container, 'cat', key], (error, stdout, stderr) =>
      resolve(error === null ? stdout : stderr),
    );
  });
  assert.match(outcome, /Permission denied/);
});

test('a restart of the loop without the catalog serves on with the certificates on the disk', async (t) => {
  const stage = await stageWith(t, [{ domain: 'a.test', tls: routeTls('a.test') }]);
  await stage.served(await stage.certify(['a.test']));
  await stage.inForce(replica);
  const before = stage.loop?.status?.generation;
  await stage.stop();
  await stage.parts.catalog.stop();
  stage.start();
  await until('nginx is confirmed', () => stage.loop?.status?.generation === before);
  assert.equal((await stage.get('a.test')).status, 200);
  await stage.parts.catalog.start();
  await stage.served(await stage.certify(['a.test']));
  assert.equal((await stage.get('a.test')).status, 200);
});

test('a start of the loop that remembers nothing cuts nobody off', async (t) => {
  const stage = await stageWith(t, [{ domain: 'a.test', tls: routeTls('a.test') }]);
  await stage.served(await stage.certify(['a.test']));
  await stage.inForce(replica);
  await stage.stop();
  await rm(join(stage.parts.state, 'edge.json'));
  const end = new AbortController();
  const outcomes = new Set<string>();
  const asking = (async () => {
    while (!end.signal.aborted) outcomes.add(await handshake(stage.httpsPort, { servername: 'a.test' }));
  })();
  const before = stage.loop?.status?.generation ?? 0;
  stage.start();
  await until('nginx is confirmed', () => (stage.loop?.status?.generation ?? 0) >= before);
  await stage.inForce(replica);
  end.abort();
  await asking;
  assert.deepEqual([...outcomes], ['connected']);
});
