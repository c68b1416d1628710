import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Acknowledgement } from '../catalog/record.ts';
import { lingeringAt, missingFrom, stillGivenRequests } from './acknowledge.ts';

const ack = (over: Partial<Acknowledgement>): Acknowledgement => ({
  generation: 1,
  routes: {},
  services: {},
  lingering: {},
  problems: {},
  ...over,
});
const replica = { catalogService: 'polls-web', address: '10.208.17.2', ports: [8000, 9000] };

test('a replica serves only when every edge has every port that a route leads to', () => {
  const acks = new Map([
    ['front', ack({ services: { 'polls-web': ['10.208.17.2:8000', '10.208.17.2:9000'] } })],
    [
      'back',
      ack({
        services: { 'polls-web': ['10.208.17.2:8000'] },
        problems: { '10.208.17.2:9000': 'connection refused' },
      }),
    ],
  ]);
  assert.deepEqual(missingFrom(acks, ['front'], replica, true), []);
  assert.deepEqual(missingFrom(acks, ['front', 'back'], replica, true), [
    'back does not have 10.208.17.2:9000 yet: connection refused',
  ]);
});

test('an edge whose agent is away can acknowledge nothing: neither arrival nor removal', () => {
  assert.match(missingFrom(new Map(), ['front'], replica, true)[0] ?? '', /front does not acknowledge/);
  assert.match(stillGivenRequests(new Map(), ['front'], replica)[0] ?? '', /front does not acknowledge/);
});

test('an address that only begins alike is another replica', () => {
  const acks = new Map([['front', ack({ services: { 'polls-web': ['10.208.17.20:8000'] } })]]);
  assert.deepEqual(stillGivenRequests(acks, ['front'], replica), []);
  assert.equal(missingFrom(acks, ['front'], { ...replica, ports: [8000] }, true).length, 1);
});

test('one edge that does not know its old connections makes the whole count unknown', () => {
  const acks = new Map([
    ['front', ack({ lingering: { '10.208.17.2:8000': { requests: 2, upgraded: 1 } } })],
    ['back', ack({ lingering: { '10.208.17.2:8000': { requests: -1, upgraded: 0 } } })],
  ]);
  assert.deepEqual(lingeringAt(acks, replica), { requests: -1, upgraded: 1 });
});
