import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { z } from 'zod';
import { SeawallError } from '../../errors.ts';
import { alternateLinks } from './chain.ts';
import { AcmeClient, dnsValue, keyAuthorization, makeCsr, makeKey, renewalId } from './index.ts';
import { signBinding } from './jws.ts';
import { plainText } from './problem-words.ts';
import { retryAfterMs } from './retry-after-text.ts';
import { isAllowed } from './url-rules.ts';
import { toAuthorization, toDirectory, toOrder, toProblem, toWindow } from './wire.ts';

/** RFC 9773 appendix A. */
const EXAMPLE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;

test('the renewal id of the example in RFC 9773 appendix A, with the zero byte before its serial number', async () => {
  assert.equal(await renewalId(EXAMPLE), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
  await assert.rejects(renewalId('no certificate'), { code: 'input' });
});

test('a key authorization is the token and the RFC 7638 thumbprint of the public key; DNS has its SHA-256', async () => {
  const pem = await makeKey('ecdsa');
  const { crv, kty, x, y } = createPublicKey(pem).export({ format: 'jwk' });
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  const authorization = await keyAuthorization('token', pem);
  assert.equal(authorization, `token.${thumbprint}`);
  assert.equal(dnsValue(authorization), createHash('sha256').update(authorization).digest('base64url'));
});

test('a request for a certificate has its names as alternative names only, and proves its key', async () => {
  const names = ['a.example', '*.b.example', '192.0.2.1', '2001:db8::1'];
  for (const type of ['ecdsa', 'rsa'] as const) {
    const request = new x509.Pkcs10CertificateRequest(await makeCsr(names, await makeKey(type)));
    assert.equal(request.subject, '');
    const [found] = request.extensions;
    assert.ok(found instanceof x509.SubjectAlternativeNameExtension);
    assert.deepEqual(found.names.toJSON(), [
      { type: 'dns', value: 'a.example' },
      { type: 'dns', value: '*.b.example' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:db8::1' },
    ]);
    assert.ok(await request.verify(crypto));
  }
  const key = await makeKey('ecdsa');
  const named = new x509.Pkcs10CertificateRequest(
    await makeCsr(['192.0.2.1', 'a.example'], key, { commonName: true }),
  );
  assert.equal(named.subject, 'CN=a.example');
  await assert.rejects(makeCsr(['bücher.example'], key), { code: 'input' });
});

test('a key of another kind, or none, is refused without being shown', async () => {
  const rsa = await makeKey('rsa');
  for (const accountKey of [rsa, 'SECRET']) {
    const make = (): AcmeClient =>
      new AcmeClient({ directory: 'https://ca.example/', accountKey, userAgent: 'test' });
    assert.throws(make, (error: unknown) => {
      assert.ok(error instanceof SeawallError && error.code === 'refused');
      assert.equal(error.cause, undefined);
      assert.doesNotMatch(error.message, /SECRET|BEGIN/);
      return true;
    });
  }
  await assert.rejects(makeCsr(['a.example'], 'SECRET'), { code: 'refused' });
  await assert.rejects(
    async () => signBinding({ keyId: 'k1', key: 'S E C R E T' }, 'https://ca.example/', {}),
    (error: unknown) =>
      error instanceof SeawallError && error.code === 'input' && !/S E C/.test(error.message),
  );
});

test('the key of a binding is taken in plain base64 and with padding too', async () => {
  const key = Buffer.from([0xfb, 0xef, 0xff, ...Buffer.alloc(30, 1), 2]);
  const signed = await Promise.all(
    [key.toString('base64url'), key.toString('base64'), `${key.toString('base64')}\n`].map((text) =>
      signBinding({ keyId: 'k1', key: text }, 'https://ca.example/', {}),
    ),
  );
  assert.equal(new Set(signed.map(({ signature }) => signature)).size, 1);
});

test('Retry-After is seconds or a date, and nothing else', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const cases: ReadonlyArray<readonly [string | undefined, number | undefined]> = [
    ['120', 120_000],
    [' 0 ', 0],
    ['Thu, 01 Jan 2026 00:02:00 GMT', 120_000],
    ['Wed, 31 Dec 2025 00:02:00 GMT', 0],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [header, wanted] of cases) assert.equal(retryAfterMs(header, now), wanted, header);
  fc.assert(
    fc.property(fc.string(), (header) => {
      const ms = retryAfterMs(header, now);
      return ms === undefined || (ms >= 0 && Number.isFinite(ms));
    }),
  );
});

test('a server’s words have no signs that a terminal obeys, and an end', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0x10ffff), { maxLength: 700 }), (points) => {
      const plain = plainText(String.fromCodePoint(...points));
      return !/[\p{Cc}\p{Cf}\n]/u.test(plain) && plain.length <= 601;
    }),
  );
});

test('plain HTTP is asked on loopback only, and only by a directory that is there', () => {
  const remote = 'https://ca.example/dir';
  const local = 'http://127.0.0.1:1/dir';
  assert.ok(isAllowed('https://elsewhere.example/', remote));
  assert.ok(isAllowed('http://localhost:2/x', local));
  assert.ok(isAllowed('http://[::1]:2/x', local));
  for (const url of ['http://127.0.0.1/', 'http://ca.example/', 'file:///etc/passwd', 'no url']) {
    assert.ok(!isAllowed(url, remote), url);
  }
  assert.ok(!isAllowed('http://127.0.0.1.example/', local));
  assert.ok(!isAllowed('http://10.0.0.1/', local));
});

test('links to alternate chains are found among others, relative ones too', () => {
  const header =
    '<https://ca.example/dir>;rel="index", </cert/1>; rel="alternate", <https://b.example/2>;rel=alternate';
  assert.deepEqual(alternateLinks(header, 'https://ca.example/cert'), [
    'https://ca.example/cert/1',
    'https://b.example/2',
  ]);
  assert.deepEqual(alternateLinks(undefined, 'https://ca.example/'), []);
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(alternateLinks(text, 'https://ca.example/'))));
});

test('whatever JSON a server sends becomes a noun or a ZodError, and no token is more than base64url', () => {
  const challenge = fc.record({
    type: fc.constantFrom('http-01', 'dns-01', 'dns-persist-01'),
    url: fc.webUrl(),
    status: fc.constant('pending'),
    token: fc.option(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9_-]{43}$/)), { nil: undefined }),
  });
  const authorization = fc.record({
    identifier: fc.record({ type: fc.constant('dns'), value: fc.domain() }),
    status: fc.constant('pending'),
    challenges: fc.array(challenge),
  });
  fc.assert(
    fc.property(authorization, (json) => {
      const { challenges } = toAuthorization('https://ca.example/authz', json);
      return challenges.every(({ token }) => /^[A-Za-z0-9_-]{22,}$/.test(token));
    }),
  );
  const parsers = [toDirectory, toWindow, toProblem, (json: unknown) => toOrder('', json)];
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      for (const parse of parsers) {
        try {
          parse(json);
        } catch (error) {
          assert.ok(error instanceof z.ZodError);
        }
      }
    }),
  );
});
