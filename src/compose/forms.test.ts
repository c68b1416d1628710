import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePorts } from './ports.ts';
import { showScalar } from './scalar.ts';
import { splitWords } from './shell-words.ts';
import { parseVolume } from './volume.ts';

const ports = (text: string) => {
  const parsed = parsePorts(text);
  if (typeof parsed === 'string') return parsed;
  return parsed.map(
    (port) => `${port.host_ip ?? '*'} ${port.published ?? '?'} ${port.target}/${port.protocol}`,
  );
};

test('every short form of a port is understood', () => {
  assert.deepEqual(ports('80'), ['* ? 80/tcp']);
  assert.deepEqual(ports('8000:80/udp'), ['* 8000 80/udp']);
  assert.deepEqual(ports('127.0.0.1:8000:80'), ['127.0.0.1 8000 80/tcp']);
  assert.deepEqual(ports('127.0.0.1::80'), ['127.0.0.1 ? 80/tcp']);
  assert.deepEqual(ports('[::1]:8000:80'), ['::1 8000 80/tcp']);
  assert.deepEqual(ports('8000-8001:80-81'), ['* 8000 80/tcp', '* 8001 81/tcp']);
  assert.deepEqual(ports('8000-8010:80'), ['* 8000-8010 80/tcp']);
});

test('what is no port is answered with a sentence', () => {
  for (const text of [
    '',
    'x',
    '0',
    '65536',
    '80:x',
    '80/http',
    '81-80',
    '1-2:1-3',
    '80:80/tcp/udp',
    'a:b:c',
  ]) {
    assert.equal(typeof ports(text), 'string', text);
  }
});

test('short forms of volumes tell binds from names', () => {
  assert.deepEqual(parseVolume('data:/x/'), {
    type: 'volume',
    source: 'data',
    target: '/x',
    readOnly: false,
    noCopy: false,
  });
  assert.deepEqual(parseVolume('./a:/x:ro,z'), {
    type: 'bind',
    source: './a',
    target: '/x',
    readOnly: true,
    noCopy: false,
    selinux: 'z',
  });
  assert.equal(parseVolume('/anonymous')?.source, undefined);
  assert.equal(parseVolume('C:\\data:/x')?.type, 'bind');
  assert.equal(parseVolume('a:b:c:d')?.source, 'a:b', 'one letter before a colon is a Windows drive');
  for (const text of ['', 'data:', 'aa:bb:cc:dd']) assert.equal(parseVolume(text), undefined, text);
});

test('a command in one text is split without a shell', () => {
  const words = (text: string) => {
    const split = splitWords(text);
    return typeof split === 'string' || split.end !== undefined ? split : split.words;
  };
  assert.deepEqual(words(`sh -c 'a "b" $c' "d'e" f\\ g "" h\\"`), [
    'sh',
    '-c',
    'a "b" $c',
    "d'e",
    'f g',
    '',
    'h"',
  ]);
  assert.deepEqual(words(' a\\nb\t"c\\d"\n\'e\\f\' g"h i"j '), ['anb', 'cd', 'e\\f', 'gh ij']);
  assert.deepEqual(words('a $(id -u "x" \'y\') `c d; e` "(;&|<>`)"'), [
    'a',
    '$(id -u "x" \'y\')',
    '`c d; e`',
    '(;&|<>`)',
  ]);
});

test('a command in one text ends where a shell would begin another or open a file', () => {
  const ends = {
    'a; rm -rf /': { words: ['a'], end: ';' },
    'a && b': { words: ['a'], end: '&' },
    'a b|c': { words: ['a', 'b'], end: '|' },
    'a <b': { words: ['a'], end: '<' },
    'a > b': { words: ['a'], end: '>' },
    'a 2>&1': { words: ['a'], end: '>' },
    'a 2b> c': { words: ['a'], end: '>' },
    'a b2> c': { words: ['a', 'b2'], end: '>' },
    'a 2< b': { words: ['a', '2'], end: '<' },
    'a "" > b': { words: ['a', ''], end: '>' },
    '> a': { words: [], end: '>' },
  };
  for (const [text, expected] of Object.entries(ends)) assert.deepEqual(splitWords(text), expected, text);
});

test('what Docker Compose refuses in a command is refused', () => {
  for (const text of ['a "b', "a 'b", 'a `b', 'a $(b', 'a (b)', 'a )', '$(a (b))', 'a\\'])
    assert.equal(typeof splitWords(text), 'string', text);
});

test('numbers in an environment look as Go writes them', () => {
  const shown = [1, 1.5, 1e-7, 1234567.5, true, null, -0.25, 123456789012].map(showScalar);
  assert.deepEqual(shown, ['1', '1.5', '1e-07', '1.2345675e+06', 'true', '', '-0.25', '123456789012']);
});

test('no text makes the readers of short forms throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void [parsePorts(text), parseVolume(text), splitWords(text)]));
});
