import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../compose/index.ts';
import { renderProblems } from '../problems.ts';
import { isLoopback, parseListenAddress } from './listen-address.ts';
import { settleConfig } from './settle.ts';
import { validateConfig } from './validate.ts';

function settle(text: string) {
  const root = parseYaml({ path: '/p/seawall.yml', name: 'seawall.yml', text }).documents[0]?.root;
  assert.ok(root);
  const { value, readable = {}, problems } = validateConfig(root);
  const settled = settleConfig(value ?? readable, root);
  const shown = renderProblems([...problems, ...settled.problems], { colour: false }).trim();
  return { metrics: settled.config.metrics, shown };
}

test('nothing listens unless seawall.yml says so, and then on loopback', () => {
  assert.deepEqual(settle('keep: { releases: 3 }'), { metrics: undefined, shown: '' });
  assert.deepEqual(settle('metrics: {}'), {
    metrics: { listen: [{ address: '127.0.0.1', port: 9464 }], from: [] },
    shown: '',
  });
});

test('addresses and peers are taken as they stand, each peer once', () => {
  const text =
    'metrics: { listen: [127.0.0.1:9464, "[2001:DB8::0:5]:9464", 0.0.0.0:9465], from: [10.0.0.9, 2001:db8::/64, 10.0.0.9] }';
  assert.deepEqual(settle(text), {
    metrics: {
      listen: [
        { address: '127.0.0.1', port: 9464 },
        { address: '2001:db8::5', port: 9464 },
        { address: '0.0.0.0', port: 9465 },
      ],
      from: ['10.0.0.9', '2001:db8::/64'],
    },
    shown: '',
  });
});

for (const [what, text, said] of [
  [
    'an address that others reach without peers',
    'metrics:\n  listen:\n    - 127.0.0.1:9464\n    - 203.0.113.10:9464\n',
    /^.*seawall\.yml:4:7[\s\S]*203\.0\.113\.10 can be reached from outside, and nothing says who[\s\S]*from:/,
  ],
  [
    'all addresses without peers',
    'metrics: { listen: ["[::]:9464"] }\n',
    /seawall\.yml:1:21[\s\S]*:: can be reached from outside/,
  ],
  [
    'everybody as a peer',
    'metrics: { listen: [0.0.0.0:9464], from: [10.0.0.9, 0.0.0.0/0] }\n',
    /seawall\.yml:1:53[\s\S]*0\.0\.0\.0\/0 is everybody/,
  ],
  [
    'peers that cannot come',
    'metrics: { from: [10.0.0.9] }\n',
    /seawall\.yml:1:18[\s\S]*nobody but the host itself reaches/,
  ],
  [
    "the edge's port",
    'metrics: { listen: [127.0.0.1:443] }\n',
    /seawall\.yml:1:21[\s\S]*port 443 is edge\.https_port/,
  ],
  [
    'what is no address with a port',
    'metrics: { listen: [localhost:9464] }\n',
    /seawall\.yml:1:21[\s\S]*an address with a port, such as 127\.0\.0\.1:9464/,
  ],
  ['a name as a peer', 'metrics: { listen: [0.0.0.0:1], from: [prometheus] }\n', /an address or a range/],
  ['another key', 'metrics: { lisen: [127.0.0.1:9464] }\n', /lisen[\s\S]*listen/],
] as const) {
  test(`refused with its place: ${what}`, () => {
    const { shown } = settle(text);
    assert.match(shown, said);
    assert.equal(shown.split('seawall.yml:').length, 2, shown);
  });
}

test('what is an address with a port', () => {
  assert.deepEqual(parseListenAddress('[0:0:0:0:0:0:0:1]:1'), { address: '::1', port: 1 });
  for (const text of [
    ...['', ':9464', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', '256.0.0.1:1', '1.2.3:4'],
    ...[
      '::1:9464',
      '[::1]',
      '[fe80::1%eth0]:1',
      '[1:2]:3',
      '[]:1',
      ' 127.0.0.1:1',
      '127.0.0.1:1\n',
      '-1.0.0.1:1',
    ],
  ])
    assert.equal(parseListenAddress(text), undefined, text);
  assert.ok(isLoopback('127.8.8.8') && isLoopback('::1') && !isLoopback('::') && !isLoopback('12.7.0.0'));
});
