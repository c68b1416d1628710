import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeRoot } from '../test/test-certificates.ts';
import { cleanRevocationLists, revocationListEnd, revocationPem } from './revocation-text.ts';

const root = await makeRoot();
const list = await root.revoke([await root.issue(['a.internal'])]);

test('of a text the lists are kept and nothing else', () => {
  const clean = cleanRevocationLists(list);
  assert.equal(clean, list);
  const hidden = `user root;\n${list}# x\r\n${root.certificate}${list}`;
  assert.equal(cleanRevocationLists(hidden), `${clean}${clean}`);
});

test('what holds no list, or one that is none, is not taken', () => {
  for (const text of ['', 'x', root.certificate, revocationPem(new Uint8Array([0x30, 0x00, 0xff]))])
    assert.equal(cleanRevocationLists(text), undefined, text);
  const broken = list.replace(/\n.{64}\n/, '\n');
  assert.equal(cleanRevocationLists(broken), undefined);
  assert.equal(cleanRevocationLists(`${list}${broken}`), undefined);
  const certificate = root.certificate.replaceAll('CERTIFICATE', 'X509 CRL');
  // A certificate has the same outer form: only who verifies by it can tell, and then refuses.
  assert.equal(typeof cleanRevocationLists(certificate), 'string');
});

test('bytes of any kind are answered, and never with an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const clean = cleanRevocationLists(revocationPem(bytes));
      assert.ok(clean === undefined || clean === revocationPem(bytes));
    }),
  );
});

test('a list says when it ends; what is none, or hostile, says nothing', () => {
  const der = Buffer.from(list.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const end = revocationListEnd(der) ?? 0;
  assert.ok(Math.abs(end - (Date.now() + 10 * 86_400_000)) < 60_000, new Date(end).toISOString());
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => revocationListEnd(bytes) === undefined));
  const at = fc.nat({ max: der.length - 1 });
  fc.assert(
    fc.property(at, fc.nat({ max: 255 }), (index, byte) => {
      const spoilt = Uint8Array.from(der);
      spoilt[index] = byte;
      const found = revocationListEnd(spoilt);
      assert.ok(found === undefined || Number.isFinite(found));
    }),
  );
});
