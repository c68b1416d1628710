import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideRange, occupiedByRoutes, type RangeQuestion } from './decide-range.ts';

const blank: RangeQuestion = {
  wish: undefined,
  existing: undefined,
  addresses: { app1: '172.16.0.1' },
  occupied: {},
};
const route = (dst: string) => occupiedByRoutes([{ dst, gateway: '172.16.0.254', dev: 'eth0' }]);

test('a new cluster gets the usual range, or the next one that no host uses', () => {
  assert.equal(decideRange(blank), '10.208.0.0/12');
  assert.equal(
    decideRange({ ...blank, occupied: { app1: [], app2: route('10.210.3.0/24') } }),
    '10.192.0.0/12',
  );
  assert.equal(decideRange({ ...blank, addresses: { app1: '10.208.0.7' } }), '10.192.0.0/12');
  assert.equal(decideRange({ ...blank, occupied: { app1: route('10.0.0.0/8') } }), '100.112.0.0/12');
});

test('a range that was asked for and is used is refused: host, route and a free one are named', () => {
  assert.throws(
    () => decideRange({ ...blank, wish: '10.16.0.0/12', occupied: { app2: route('10.16.8.0/21') } }),
    {
      code: 'refused',
      where: 'app2',
      message:
        "the cluster's range 10.16.0.0/12 collides with the route 10.16.8.0/21 via 172.16.0.254 dev eth0",
      hint: /range: 10\.208\.0\.0\/12/,
    },
  );
});

test('when every range is used, a host and what uses it are named', () => {
  const occupied = { app1: [...route('10.0.0.0/8'), ...route('100.64.0.0/10')] };
  assert.throws(() => decideRange({ ...blank, occupied }), { code: 'refused', message: /10\.0\.0\.0\/8/ });
});

test('a cluster keeps its range; a host that uses it cannot join', () => {
  const existing = '10.96.0.0/12';
  assert.equal(decideRange({ ...blank, existing }), existing);
  assert.throws(() => decideRange({ ...blank, existing, wish: '10.208.0.0/12' }), { code: 'refused' });
  assert.throws(() => decideRange({ ...blank, existing, occupied: { app9: route('10.100.0.0/16') } }), {
    code: 'refused',
    where: 'app9',
    hint: /stays/,
  });
});

test('routes of Seawall, loopback, the default and broadcasts occupy nothing; addresses do', () => {
  const listed = [
    { dst: 'default', gateway: '172.16.0.254', dev: 'eth0' },
    { dst: '10.208.32.0/20', dev: 'seawall0' },
    { dst: '10.208.16.128/25', dev: 'sw-1' },
    { type: 'unreachable', dst: '10.208.0.0/12' },
    { type: 'local', dst: '127.0.0.1', dev: 'lo' },
    { type: 'broadcast', dst: '172.16.0.255', dev: 'eth0' },
    { type: 'local', dst: '172.16.0.1', dev: 'eth0' },
    { dst: 'fd00::/8', dev: 'eth0' },
    { type: 'blackhole', dst: '10.1.0.0/16' },
  ];
  assert.deepEqual(occupiedByRoutes(listed), [
    { cidr: '172.16.0.1/32', what: 'the address 172.16.0.1 of eth0' },
    { cidr: '10.1.0.0/16', what: 'the route 10.1.0.0/16' },
  ]);
});
