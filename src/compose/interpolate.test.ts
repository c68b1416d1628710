import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { interpolate } from './interpolate.ts';

const variables: Readonly<Record<string, string>> = { SET: 'value', EMPTY: '', OTHER: 'other', _x9: 'under' };
const lookup = (name: string) => (Object.hasOwn(variables, name) ? variables[name] : undefined);
const text = (template: string) => interpolate(template, lookup).text;
const errors = (template: string) => interpolate(template, lookup).errors;

test('every form of a variable means what the Compose Specification says', () => {
  const expected: Readonly<Record<string, string>> = {
    $SET: 'value',
    '${SET}': 'value',
    'a$SET.b': 'avalue.b',
    '${UNSET}': '',
    '${UNSET:-d}': 'd',
    '${UNSET-d}': 'd',
    '${EMPTY:-d}': 'd',
    '${EMPTY-d}': '',
    '${SET:+r}': 'r',
    '${SET+r}': 'r',
    '${EMPTY:+r}': '',
    '${EMPTY+r}': 'r',
    '${UNSET:+r}': '',
    '${SET:?gone}': 'value',
    '${EMPTY?gone}': '',
    '${UNSET:-${UNSET:-${OTHER}}}': 'other',
    '${UNSET:-{"a":1}}': '{"a":1}',
    '${SET:+${OTHER}-$_x9}': 'other-under',
    $$SET: '$SET',
    '$${SET}': `\${SET}`,
    $$$SET: '$value',
    'costs 5$': 'costs 5$',
    $1: '$1',
    '${UNSET:-a:-b}': 'a:-b',
  };
  for (const [template, result] of Object.entries(expected)) assert.equal(text(template), result, template);
});

test('a required variable that is missing or empty is an error that gives its reason', () => {
  assert.deepEqual(errors(`\${UNSET:?set me to $OTHER}`), [
    'the variable UNSET is required but not set: set me to other',
  ]);
  assert.deepEqual(errors(`\${EMPTY:?}`), ['the variable EMPTY is required but empty']);
  assert.deepEqual(errors(`\${UNSET?}`), ['the variable UNSET is required but not set']);
});

test('what is no variable is an error that says how to write a dollar sign', () => {
  for (const template of [`\${`, `\${}`, `\${1}`, `\${SET`, `\${SET x}`, `\${SET:}`, `\${-x}`]) {
    assert.equal(errors(template).length, 1, template);
    assert.match(errors(template)[0] ?? '', /"\$\$"/);
  }
});

test('a variable that is used without default and not set is reported, one with a default is not', () => {
  const template = `$UNSET \${ALSO} \${UNSET:-$DEEP} \${UNSET:-x} \${UNSET:+y} $SET $EMPTY`;
  assert.deepEqual(interpolate(template, lookup).unset, ['UNSET', 'ALSO', 'DEEP']);
});

test('a value with dollar signs is not interpolated again', () => {
  assert.equal(interpolate('$A', () => `$B \${C} $$`).text, `$B \${C} $$`);
});

test('interpolation never throws, and leaves text without dollar signs alone', () => {
  const pieces = fc.constantFrom(
    '$',
    '{',
    '}',
    ':-',
    '?',
    '+',
    'SET',
    'UNSET',
    ' ',
    '\n',
    '$$',
    `\${SET:-`,
    'é',
  );
  const template = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces).map((list) => list.join('')),
  );
  fc.assert(
    fc.property(template, (written) => {
      const result = interpolate(written, lookup);
      assert.equal(typeof result.text, 'string');
      if (!written.includes('$')) assert.deepEqual(result, { text: written, errors: [], unset: [] });
    }),
  );
});

test('doubling every dollar sign brings any text through verbatim', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (written) => {
      assert.equal(text(written.replaceAll('$', '$$$$')), written);
    }),
  );
});
