import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPermitted, parsePermit, parseSubject } from './subject.ts';

test('a name is a DNS name, an address or a mail address, in its one spelling', () => {
  assert.deepEqual(parseSubject('Registry.Internal'), { type: 'dns', value: 'registry.internal' });
  assert.deepEqual(parseSubject('*.example.internal'), { type: 'dns', value: '*.example.internal' });
  assert.deepEqual(parseSubject('10.0.0.1'), { type: 'ip', value: '10.0.0.1' });
  assert.deepEqual(parseSubject('FD00:0::1'), { type: 'ip', value: 'fd00::1' });
  assert.deepEqual(parseSubject('Ann@Example.org'), { type: 'email', value: 'Ann@example.org' });
});

test('what is none is refused', () => {
  for (const text of [
    '',
    '.',
    '*',
    '*.',
    'a..b',
    '-a.b',
    'a.*.b',
    '10.0.0.256',
    '1.2',
    'a b',
    'a/b',
    '../x',
    'a\n.b',
    'a\0',
    'bücher.example',
    '; rm -rf',
    '$(id)',
    '@a.b',
    'a@',
    'a'.repeat(64),
  ]) {
    assert.throws(() => parseSubject(text), { code: 'input' }, JSON.stringify(text));
  }
});

test('whatever is typed, a name that is taken is fit for a file name and for a header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      let value: string;
      try {
        value = parseSubject(text).value;
      } catch {
        return;
      }
      assert.match(value, /^[\x21-\x7e]+$/);
      assert.equal(parseSubject(value).value, value);
    }),
  );
});

test('a permit is a DNS name or a block, and anything else is refused', () => {
  assert.deepEqual(parsePermit('Example.Internal'), { type: 'dns', value: 'example.internal' });
  assert.deepEqual(parsePermit('10.0.0.0/8'), { type: 'ip', value: '10.0.0.0/8' });
  assert.deepEqual(parsePermit('192.0.2.1'), { type: 'ip', value: '192.0.2.1/32' });
  assert.deepEqual(parsePermit('FD00::/8'), { type: 'ip', value: 'fd00::/8' });
  for (const text of [
    '',
    '*.example.internal',
    '.internal',
    '10.0.0.0/33',
    'fd00::/129',
    'a/b',
    '10.0.0.0/8/8',
  ])
    assert.throws(() => parsePermit(text), { code: 'input' }, text);
});

test('permits hold for what lies below them and for nothing beside', () => {
  const may = (permitted: readonly string[], name: string) => isPermitted(permitted, parseSubject(name));
  const permitted = ['example.internal', '10.0.0.0/8', 'fd00::/8'];
  for (const name of [
    'example.internal',
    'a.b.example.internal',
    '*.example.internal',
    '10.1.2.3',
    'fd12::1',
    'ann@example.internal',
  ])
    assert.ok(may(permitted, name), name);
  for (const name of [
    'badexample.internal',
    'internal',
    '*.internal',
    '11.0.0.1',
    'fe80::1',
    '::ffff:10.0.0.1',
  ])
    assert.ok(!may(permitted, name), name);
  assert.ok(may([], 'anything.example'));
  assert.ok(!may(['10.0.0.0/8'], 'anything.example'));
});
