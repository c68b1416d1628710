import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { Openssl } from '../../../test/openssl.ts';
import {
  type Authority,
  isIntermediateDue,
  makeAuthority,
  openAuthority,
  renewIntermediate,
} from './authority.ts';
import { type CertificateOrder, issueCertificate } from './issue.ts';
import { loadX509 } from './x509.ts';

const clusterKey = Buffer.alloc(32, 7).toString('base64');
const now = Date.now();
const DAY_MS = 86_400_000;
let openssl: Openssl;
let open: Authority;
let narrow: Authority;

const authority = async (permitted: readonly string[] = [], at = now): Promise<Authority> =>
  openAuthority(clusterKey, 'test', await makeAuthority(clusterKey, { name: 'Test, "CA"=1', permitted }, at));

before(async () => {
  openssl = await Openssl.make();
  open = await authority();
  narrow = await authority(['example.internal', '10.0.0.0/8']);
});
after(() => openssl.remove());

const order = (names: readonly string[], more: Partial<CertificateOrder> = {}): CertificateOrder => ({
  names,
  purpose: 'other',
  now,
  ...more,
});

/** What `openssl verify` says of a chain: `OK`, or its error. */
const verdict = (trusted: Authority, chain: string, ...flags: readonly string[]): Promise<string> =>
  openssl.verify(trusted.record.root.certificate, chain, ...flags);

const textOf = async (pem: string): Promise<string> =>
  openssl.run('x509', '-noout', '-text', '-in', await openssl.file(pem));

test('openssl accepts what the CA issues, for the names it was issued for and for no other purpose', async () => {
  const issued = await issueCertificate(
    open,
    order(['registry.internal', '*.example.internal', '10.0.0.5', 'fd00::5']),
  );
  for (const name of ['registry.internal', 'a.example.internal'])
    assert.equal(await verdict(open, issued.chain, '-purpose', 'sslserver', '-verify_hostname', name), 'OK');
  for (const address of ['10.0.0.5', 'fd00::5'])
    assert.equal(await verdict(open, issued.chain, '-verify_ip', address), 'OK');
  assert.match(await verdict(open, issued.chain, '-verify_hostname', 'other.internal'), /hostname mismatch/i);
  assert.match(await verdict(open, issued.chain, '-purpose', 'sslclient'), /purpose/i);
  assert.match(await verdict(narrow, issued.chain), /unable to get|self-signed/i);
});

test('a leaf has what a leaf must have, and its own key', async () => {
  const issued = await issueCertificate(
    open,
    order(['registry.internal'], { crlUrl: 'http://a.example/x.crl' }),
  );
  const leaf = new X509Certificate(issued.chain);
  assert.ok(issued.key !== undefined && leaf.checkPrivateKey(createPrivateKey(issued.key)));
  assert.equal(leaf.ca, false);
  assert.equal(leaf.serialNumber.toLowerCase(), issued.serial);
  assert.match(issued.serial, /^[4-7][0-9a-f]{31}$/);
  assert.ok(leaf.fingerprint256.replaceAll(':', '').toLowerCase().startsWith(issued.fingerprint));
  assert.equal(Date.parse(issued.notAfter), Math.floor((now + 90 * DAY_MS) / 1000) * 1000);
  assert.ok(Date.parse(issued.notBefore) < now);
  const text = await textOf(issued.chain);
  assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
  assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
  assert.match(text, /Extended Key Usage: \s+TLS Web Server Authentication\n/);
  assert.match(text, /Subject Alternative Name: critical\s+DNS:registry.internal\n/);
  assert.match(text, /Subject: *\n/);
  assert.match(text, /URI:http:\/\/a.example\/x.crl/);
  const [, intermediate] = issued.chain.split(/(?<=-----END CERTIFICATE-----\n)/);
  assert.equal(intermediate, open.record.intermediate.certificate);
});

test('root and intermediate sign certificates and lists and nothing else, ten and five years', async () => {
  const root = await textOf(open.record.root.certificate);
  const intermediate = await textOf(open.record.intermediate.certificate);
  for (const text of [root, intermediate])
    assert.match(text, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
  assert.match(root, /Basic Constraints: critical\s+CA:TRUE, pathlen:1/);
  assert.match(intermediate, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  assert.doesNotMatch(root, /Name Constraints/);
  const years = (pem: string) => new Date(new X509Certificate(pem).validTo).getUTCFullYear();
  const year = new Date(now).getUTCFullYear();
  assert.equal(years(open.record.root.certificate), year + 10);
  assert.equal(years(open.record.intermediate.certificate), year + 5);
});

test('clients take certificates that say who they are, by name or mail address', async () => {
  const issued = await issueCertificate(open, order(['Ann@example.org', 'laptop'], { purpose: 'client' }));
  assert.equal(await verdict(open, issued.chain, '-purpose', 'sslclient'), 'OK');
  assert.match(await verdict(open, issued.chain, '-purpose', 'sslserver'), /purpose/i);
  const text = await textOf(issued.chain);
  assert.match(text, /Subject: CN = Ann@example.org/);
  assert.match(text, /email:Ann@example.org, DNS:laptop/);
  await assert.rejects(issueCertificate(open, order(['ann@example.org'])), { code: 'input' });
});

test('what the CA is not permitted it refuses, and clients would refuse it too', async () => {
  const allowed = await issueCertificate(narrow, order(['a.example.internal', '10.9.9.9']));
  assert.equal(await verdict(narrow, allowed.chain), 'OK');
  for (const name of ['example.com', '*.internal', '192.168.0.1', 'fd00::1'])
    await assert.rejects(issueCertificate(narrow, order([name])), {
      code: 'refused',
      message: new RegExp(name.replaceAll(/[*.]/g, '\\$&')),
    });
  // A CA that was made to forget its limits.
  const forced: Authority = { ...narrow, record: { ...narrow.record, permitted: [] } };
  for (const name of ['example.com', '192.168.0.1', 'fd00::1']) {
    const { chain } = await issueCertificate(forced, order([name]));
    assert.match(await verdict(narrow, chain), /permitted subtree violation/, name);
  }
});

test('a kind of name that no permit names is not permitted at all', async () => {
  for (const [permit, inside, outside] of [
    ['example.internal', 'x.example.internal', '10.0.0.1'],
    ['example.internal', 'x.example.internal', 'fd00::1'],
    ['10.0.0.0/8', '10.0.0.1', 'example.com'],
  ] as const) {
    const limited = await authority([permit]);
    const forced: Authority = { ...limited, record: { ...limited.record, permitted: [] } };
    assert.equal(await verdict(limited, (await issueCertificate(forced, order([inside]))).chain), 'OK');
    assert.match(
      await verdict(limited, (await issueCertificate(forced, order([outside]))).chain),
      /excluded subtree violation/,
    );
  }
});

test('mail addresses are permitted by their host', async () => {
  const forced: Authority = { ...narrow, record: { ...narrow.record, permitted: [] } };
  const ofClient = async (name: string) =>
    (await issueCertificate(forced, order([name], { purpose: 'client' }))).chain;
  for (const name of ['ann@example.internal', 'ann@mail.example.internal'])
    assert.equal(await verdict(narrow, await ofClient(name)), 'OK');
  assert.match(await verdict(narrow, await ofClient('ann@example.com')), /permitted subtree violation/);
  const addresses = await authority(['10.0.0.0/8']);
  const { chain } = await issueCertificate(
    { ...addresses, record: { ...addresses.record, permitted: [] } },
    order(['ann@example.com'], { purpose: 'client' }),
  );
  assert.match(await verdict(addresses, chain), /permitted subtree violation/);
});

test('server and client of one CA know each other over TLS, and take nobody else', async (t) => {
  const ca = open.record.root.certificate;
  const pair = async (of: Authority, name: string, purpose: 'other' | 'client') => {
    const { chain, key = '' } = await issueCertificate(of, order([name], { purpose }));
    return { cert: chain, key };
  };
  const server = createServer(
    { ...(await pair(open, 'app.internal', 'other')), ca, requestCert: true, rejectUnauthorized: true },
    (socket) => socket.end(String(socket.getPeerCertificate().subject.CN)),
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = (own: { cert: string; key: string }, servername: string, trust = ca): Promise<string> =>
    new Promise((done) => {
      let said = '';
      const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca: trust, servername, ...own });
      socket.on('data', (chunk) => {
        said += chunk;
      });
      socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'error'));
      socket.on('close', () => done(said));
    });
  const ann = await pair(open, 'ann@example.org', 'client');
  assert.equal(await ask(ann, 'app.internal'), 'ann@example.org');
  assert.equal(await ask(ann, 'other.internal'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.match(await ask(ann, 'app.internal', narrow.record.root.certificate), /SELF_SIGNED|UNABLE/);
  assert.notEqual(
    await ask(await pair(narrow, 'eve@example.internal', 'client'), 'app.internal'),
    'eve@example.internal',
  );
  // A server's certificate is no client's.
  assert.notEqual(await ask(await pair(open, 'eve.internal', 'other'), 'app.internal'), 'eve.internal');
});

test('RSA on request, and the same chain verifies', async () => {
  const issued = await issueCertificate(open, order(['old.internal'], { keyType: 'rsa' }));
  assert.match(await textOf(issued.chain), /Public-Key: \(2048 bit\)/);
  assert.equal(await verdict(open, issued.chain, '-purpose', 'sslserver'), 'OK');
});

test('with a request the key stays where it is, and the request decides nothing else', async () => {
  const key = join(openssl.folder, 'own.key');
  const args = ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-subj', '/CN=evil.example'];
  const csr = await openssl.run(...args, '-addext', 'subjectAltName=DNS:evil.example');
  const issued = await issueCertificate(open, order(['good.internal'], { csr }));
  assert.equal(issued.key, undefined);
  const leaf = new X509Certificate(issued.chain);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(await readFile(key))));
  assert.equal(leaf.subjectAltName, 'DNS:good.internal');
  assert.equal(await verdict(open, issued.chain), 'OK');
  const der = Buffer.from(csr.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  assert.equal((await issueCertificate(open, order(['good.internal'], { csr: der }))).key, undefined);
});

test('a request that is broken, altered or for a weak key is refused', async () => {
  const key = join(openssl.folder, 'weak.key');
  const request = (newkey: readonly string[]) =>
    openssl.run('req', '-new', ...newkey, '-nodes', '-keyout', key, '-subj', '/');
  const good = await request(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']);
  assert.equal(
    await verdict(open, (await issueCertificate(open, order(['a.b'], { csr: good }))).chain),
    'OK',
  );
  const bytes = Buffer.from(good.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
  const bad = [
    'no request',
    '',
    open.record.root.certificate,
    bytes,
    await request(['-newkey', 'rsa:1024']),
    await request(['-newkey', 'ed25519']),
  ];
  for (const csr of bad)
    await assert.rejects(issueCertificate(open, order(['a.b'], { csr })), { code: 'input' });
});

test('a life that cannot be is refused, and one beyond the intermediate is cut', async () => {
  for (const days of [0, -1, 1.5, 826, Number.NaN])
    await assert.rejects(issueCertificate(open, order(['a.b'], { days })), { code: 'input' });
  await assert.rejects(issueCertificate(open, order([])), { code: 'input' });
  const end = new Date(new X509Certificate(open.record.intermediate.certificate).validTo).getTime();
  const late = await issueCertificate(open, order(['a.b'], { now: end - 2 * DAY_MS }));
  assert.equal(Date.parse(late.notAfter), end);
  await assert.rejects(issueCertificate(open, order(['a.b'], { now: end })), { code: 'refused' });
});

test('an intermediate is certified again for the same key, so that what it issued stays valid', async () => {
  assert.ok(!isIntermediateDue(open.record, now));
  const later = now + 3 * 365 * DAY_MS;
  assert.ok(isIntermediateDue(open.record, later));
  const renewed = await openAuthority(
    clusterKey,
    'test',
    await renewIntermediate(clusterKey, open.record, later),
  );
  assert.notEqual(renewed.record.intermediate.certificate, open.record.intermediate.certificate);
  assert.ok(!isIntermediateDue(renewed.record, later));
  const at = String(Math.floor(later / 1000));
  const fresh = await issueCertificate(renewed, order(['a.b'], { now: later }));
  assert.equal(await verdict(open, fresh.chain, '-attime', at), 'OK');
  // Old leaf, new intermediate: from when that begins.
  const old = await issueCertificate(open, order(['a.b'], { now: later }));
  const mixed = `${old.chain.slice(0, old.chain.indexOf('-----END') + 26)}${renewed.record.intermediate.certificate}`;
  assert.equal(await verdict(open, mixed, '-attime', at), 'OK');
  // In the root's last years there is nothing to be won.
  assert.ok(!isIntermediateDue({ ...open.record, intermediate: open.record.root }, now + 9 * 365 * DAY_MS));
});

test('whatever the names, the certificate holds exactly them', async () => {
  const x509 = await loadX509();
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
  const name = fc.oneof(
    fc
      .tuple(fc.constantFrom('', '*.'), fc.array(label, { minLength: 1, maxLength: 4 }))
      .map(([star, labels]) => `${star}${labels.join('.')}.internal`),
    fc.ipV4(),
    fc.ipV6(),
  );
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), async (names) => {
      const { chain, names: said } = await issueCertificate(open, order(names));
      const extension = new x509.X509Certificate(chain.slice(0, chain.indexOf('-----END') + 26)).getExtension(
        x509.SubjectAlternativeNameExtension,
      );
      const written = extension?.names.items.map(({ type, value }) =>
        type === 'ip' && value.includes(':') ? new URL(`http://[${value}]`).hostname.slice(1, -1) : value,
      );
      assert.deepEqual(written, said);
    }),
    { numRuns: 25 },
  );
});

test('neither keys nor seals come out of an authority that is printed', async () => {
  const { inspect } = await import('node:util');
  const plain = JSON.stringify(open);
  assert.doesNotMatch(plain, /PRIVATE KEY/);
  assert.doesNotMatch(inspect(open, { depth: 9 }), /PRIVATE KEY/);
  await assert.rejects(crypto.subtle.exportKey('pkcs8', open.signingKey));
});
