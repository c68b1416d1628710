import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { tryCommand } from './command.ts';
import { JUMPS, jumpArguments, renderRules } from './rules.ts';
import type { RulesInput } from './rules-model.ts';

const golden = join(import.meta.dirname, '../../test/golden/network');

const single: RulesInput = {
  range: '10.208.0.0/12',
  link: 'none',
  linkPort: 4789,
  own: 'localhost',
  hosts: [{ name: 'localhost', number: 1, address: '127.0.0.1' }],
  subnets: [{ host: 'localhost', blocks: { 1: { project: 'polls', network: 'default', internal: false } } }],
  containers: [
    { name: 'polls-web-1', project: 'polls', addresses: { default: '10.208.16.130' }, exposed: [] },
  ],
  catalogPort: 8500,
};

const open = (project: string, network = 'default') => ({ project, network, internal: false });
const closed = (project: string, network: string) => ({ project, network, internal: true });

/** Two projects on three hosts; `web` is in an open and in an internal network; a database is exposed to one block. */
const three: RulesInput = {
  range: '10.208.0.0/12',
  link: 'vxlan',
  linkPort: 4789,
  own: 'app1',
  hosts: [
    { name: 'app1', number: 1, address: '172.16.0.11' },
    { name: 'front', number: 3, address: '172.16.0.10' },
    { name: 'app2', number: 2, address: '172.16.0.12' },
  ],
  subnets: [
    { host: 'app1', blocks: { 1: open('polls'), 2: closed('polls', 'back'), 3: open('shop') } },
    { host: 'app2', blocks: { 1: open('shop'), 2: open('polls'), 3: closed('polls', 'back') } },
  ],
  containers: [
    {
      name: 'polls-web-1',
      project: 'polls',
      addresses: { default: '10.208.16.130', back: '10.208.17.2' },
      exposed: [],
    },
    {
      name: 'polls-db-1',
      project: 'polls',
      addresses: { back: '10.208.17.3' },
      exposed: [{ published: 5432, protocol: 'tcp', allow: ['192.0.2.0/24', '2001:db8::/32', '$(reboot)'] }],
    },
  ],
  catalogPort: 8500,
};

const cases: readonly (readonly [string, RulesInput])[] = [
  ['single-host', single],
  ['three-hosts', three],
];

for (const [name, input] of cases) {
  test(`the rules of ${name} are the written ones`, () => {
    const path = join(golden, `${name}.rules`);
    const text = renderRules(input);
    // UPDATE_GOLDEN=1 writes them anew, to be read in the diff.
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
    assert.equal(text, readFileSync(path, 'utf8'));
  });

  test(`the kernel takes the rules of ${name}, twice`, async (t) => {
    for (const variant of ['nft', 'legacy']) {
      const argv = ['unshare', '--map-root-user', '--net', `iptables-${variant}-restore`, '--noflush'];
      const result = await tryCommand(argv, { input: renderRules(input).repeat(2) });
      // Not every kernel has the tables of the legacy variant.
      if (variant === 'legacy' && /can't initialize|does not exist|No such file/.test(result.stderr))
        t.diagnostic(result.stderr);
      else assert.equal(result.code, 0, `${variant}: ${result.stderr}`);
    }
  });
}

test('the order in which the catalog and Docker list things does not change a byte', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...three.hosts], { minLength: 3 }),
      fc.shuffledSubarray([...three.subnets], { minLength: 2 }),
      (hosts, subnets) => assert.equal(renderRules({ ...three, hosts, subnets }), renderRules(three)),
    ),
  );
});

test('a name cannot write rules of its own', () => {
  const name = 'x" -j ACCEPT\n-A SEAWALL-INPUT -j ACCEPT\nCOMMIT\n# $(reboot)';
  const containers = three.containers.map((container) => ({ ...container, name }));
  const lines = (text: string) => text.split('\n').map((line) => line.replace(/--comment ".*?"/, ''));
  assert.deepEqual(lines(renderRules({ ...three, containers })), lines(renderRules(three)));
});

test('a port that is exposed to nobody who can be understood stays closed', () => {
  const containers = three.containers.map((one) => ({
    ...one,
    exposed: [
      { published: 5432, protocol: 'tcp' as const, allow: ['everybody', '::/0', '0.0.0.0/0 -j ACCEPT'] },
    ],
  }));
  assert.ok(!renderRules({ ...three, containers }).includes('5432'));
});

test('a jump is looked for and put first in its chain, waiting for the lock of other programs', () => {
  const [input] = JUMPS;
  assert.ok(input);
  assert.deepEqual(jumpArguments(input, 'check'), [
    '-w',
    '5',
    '-t',
    'filter',
    '-C',
    'INPUT',
    '-j',
    'SEAWALL-INPUT',
  ]);
  assert.deepEqual(jumpArguments(input, 'insert'), [
    '-w',
    '5',
    '-t',
    'filter',
    '-I',
    'INPUT',
    '1',
    '-j',
    'SEAWALL-INPUT',
  ]);
});
