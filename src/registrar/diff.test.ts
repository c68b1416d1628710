import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionFor, type Entry, heldEntries } from './diff.ts';

const wanted: Entry = {
  id: 'app1:web:80',
  service: 'polls-web',
  address: '10.208.1.2',
  port: 80,
  tags: ['b', 'a'],
  meta: { 'seawall-container': 'c1', 'seawall-project': 'polls' },
  status: 'passing',
  output: 'GET / answered 200',
};

test('what the catalog holds already is not written again', () => {
  const meta = { 'seawall-project': 'polls', 'seawall-container': 'c1' };
  assert.deepEqual(actionFor(wanted, { ...wanted, tags: ['a', 'b'], meta }), { kind: 'none' });
  assert.deepEqual(actionFor(undefined, undefined), { kind: 'none' });
});

test('what is missing, different or too much is written', () => {
  assert.equal(actionFor(wanted, undefined).kind, 'register');
  assert.equal(actionFor(undefined, wanted).kind, 'deregister');
  const others: Partial<Entry>[] = [
    { address: '10.208.1.3' },
    { port: 81 },
    { service: 'x' },
    { tags: [] },
    { status: 'critical' },
    { meta: { ...wanted.meta, x: '1' } },
  ];
  for (const other of others) assert.equal(actionFor(wanted, { ...wanted, ...other }).kind, 'register');
});

test('another container under the same id does not inherit the draining mark of the old one', () => {
  const held = { ...wanted, meta: { ...wanted.meta, 'seawall-container': 'c0' } };
  assert.equal(actionFor(wanted, held).kind, 'replace');
});

test('the changing words of a passing check are not worth a write, those of a failing one are', () => {
  assert.equal(actionFor({ ...wanted, output: 'other' }, wanted).kind, 'none');
  const failing = { ...wanted, status: 'critical' } as const;
  assert.equal(actionFor({ ...failing, output: 'other' }, failing).kind, 'refresh');
});

test('entries that somebody else wrote are none of the business of the registrar', () => {
  const service = { id: 'x', name: 'x', address: '', port: 1, tags: [], meta: {} };
  const own = { ...service, id: 'y', meta: { 'seawall-container': 'c' } };
  const checks = [
    { id: 'service:y', name: 'Seawall', status: 'passing', output: 'fine', serviceId: 'y' },
    { id: '_service_maintenance:y', name: 'm', status: 'critical', output: 'draining', serviceId: 'y' },
  ] as const;
  const held = heldEntries([service, own], checks);
  assert.deepEqual([...held.keys()], ['y']);
  assert.partialDeepStrictEqual(held.get('y'), { status: 'passing', output: 'fine' });
});

test('an entry whose check is gone is given its check back', () => {
  const held = heldEntries([{ ...wanted, name: wanted.service }], []).get(wanted.id);
  assert.equal(actionFor(wanted, held).kind, 'register');
});
