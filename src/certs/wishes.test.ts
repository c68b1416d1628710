import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CertificateWish } from '../catalog/tls-record.ts';
import { sameNames, uniteWishes } from './wishes.ts';

const wish = (id: string, more: Partial<CertificateWish> = {}): CertificateWish => ({
  ...{ id, names: [id], source: 'acme', issuers: [], challenge: 'http', keys: ['ecdsa'] },
  ...more,
});

test('of two projects that want one id differently the lower name decides, and both are named', () => {
  const united = uniteWishes(
    new Map([
      ['shop', [wish('a.test', { keys: ['rsa'] })]],
      ['blog', [wish('a.test'), wish('b.test')]],
    ]),
  );
  assert.deepEqual(
    united.wishes.map(({ id, keys }) => [id, ...keys]),
    [
      ['a.test', 'ecdsa'],
      ['b.test', 'ecdsa'],
    ],
  );
  assert.deepEqual(united.conflicts, [{ id: 'a.test', holds: 'blog', yields: 'shop' }]);
});

test('the same wish sealed twice, or with its names in another order, is no conflict', () => {
  const names = ['a.test', 'b.test'];
  const united = uniteWishes(
    new Map([
      ['blog', [wish('a.test', { names, dns: 'sw1.x' })]],
      ['shop', [wish('a.test', { names: names.toReversed(), dns: 'sw1.y' })]],
    ]),
  );
  assert.deepEqual(united.conflicts, []);
});

test('the order in which projects are read does not matter', () => {
  const projects = fc.uniqueArray(
    fc.tuple(
      fc.constantFrom('a', 'b', 'c', '_manual'),
      fc.array(fc.constantFrom('x.test', 'y.test'), { maxLength: 3 }),
    ),
    { selector: ([name]) => name },
  );
  fc.assert(
    fc.property(projects, (list) => {
      const entries = list.map(
        ([name, ids]) => [name, ids.map((id) => wish(id, { names: [id, `${name}.test`] }))] as const,
      );
      assert.deepEqual(uniteWishes(new Map(entries)), uniteWishes(new Map(entries.toReversed())));
    }),
  );
});

test('names are the same whatever their order and case', () => {
  assert.equal(sameNames(['a.test', 'B.test'], ['b.TEST', 'a.test']), true);
  assert.equal(sameNames(['a.test'], ['a.test', 'b.test']), false);
  assert.equal(sameNames(undefined, []), true);
});

test('what a route says counts before what was asked for by hand', () => {
  const united = uniteWishes(
    new Map([
      ['_manual', [wish('a.test', { source: 'files' })]],
      ['polls', [wish('a.test')]],
    ]),
  );
  assert.equal(united.wishes[0]?.source, 'acme');
  assert.deepEqual(united.conflicts, [{ id: 'a.test', holds: 'polls', yields: '_manual' }]);
});
