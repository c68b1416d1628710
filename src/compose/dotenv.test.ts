import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDotenv, parseRawDotenv } from './dotenv.ts';

const outside = (name: string) => (name === 'HOST_VALUE' ? 'outer' : undefined);
const parse = (text: string) => Object.fromEntries(parseDotenv(text, outside).values);

test('values, quotes, comments and inherited names are read as Docker Compose reads them', () => {
  const text = [
    '\ufeff# a comment',
    'PLAIN=value',
    'export EXPORTED=yes',
    '  SPACED  =  a b  ',
    'YAML: colon',
    'COMMENT=x # not this',
    'HASH=a#b',
    'EMPTY=',
    'HOST_VALUE',
    'NOT_SET_OUTSIDE',
    "SINGLE='$PLAIN \\n'",
    'DOUBLE="$PLAIN\\n\\"q\\" \\$PLAIN"',
    'MULTI="one',
    'two"',
    `REFERENCE=\${PLAIN}-\${HOST_VALUE:-no}-\${NOPE:-default}`,
    'URL=postgres://u:p@db:5432/x?a=b',
    'JSON={"a": "b"}',
    'LAST=end',
  ].join('\n');
  assert.deepEqual(parse(text), {
    PLAIN: 'value',
    EXPORTED: 'yes',
    SPACED: 'a b',
    YAML: 'colon',
    COMMENT: 'x',
    HASH: 'a#b',
    EMPTY: '',
    HOST_VALUE: 'outer',
    SINGLE: '$PLAIN \\n',
    DOUBLE: 'value\n"q" $PLAIN',
    MULTI: 'one\ntwo',
    REFERENCE: 'value-outer-default',
    URL: 'postgres://u:p@db:5432/x?a=b',
    JSON: '{"a": "b"}',
    LAST: 'end',
  });
});

test('a wrong line is reported with its offset, and the others are read', () => {
  const text = 'A=1\n!bad line\nB=2\nC="open';
  const { values, errors } = parseDotenv(text, outside);
  assert.deepEqual([...values.keys()], ['A', 'B', 'C']);
  assert.deepEqual(
    errors.map(({ at }) => at),
    [4, text.indexOf('"open')],
  );
});

test('the raw format takes every character as it is', () => {
  const { values } = parseRawDotenv('A="x" # y\nB=$HOME\n\n# c\nHOST_VALUE\n', outside);
  assert.deepEqual(Object.fromEntries(values), { A: '"x" # y', B: '$HOME', HOST_VALUE: 'outer' });
});

test('a value in single quotes comes through verbatim', () => {
  const value = fc.string().filter((text) => !/['\\\r]/.test(text));
  fc.assert(fc.property(value, (text) => assert.equal(parse(`A='${text}'`).A, text)));
});

test('no file makes the parser throw or hang', () => {
  const pieces = fc.constantFrom(
    'A',
    '=',
    '"',
    "'",
    '\n',
    '#',
    ' ',
    '\\',
    '$',
    '{',
    '}',
    ':',
    'export ',
    '\r\n',
  );
  fc.assert(fc.property(fc.array(pieces), (list) => void parseDotenv(list.join(''), outside)));
});
