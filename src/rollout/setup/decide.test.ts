import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterFile, defaultEdgeRules } from '../../cluster.ts';
import { type DecideInput, decideCluster } from './decide.ts';

const fresh = { id: 'new', key: 'k', certificate: 'c', privateKey: 'p', token: 't' };
const host = (name: string, ...roles: ('app' | 'edge')[]) => ({
  name,
  ssh: name,
  address: `a-${name}`,
  roles,
  labels: {},
});
const input = (parts: Partial<DecideInput>): DecideInput => ({
  config: {
    hosts: [host('app1', 'app'), host('front', 'edge')],
    edge: { image: 'nginx', httpPort: 80, rules: defaultEdgeRules },
  },
  range: '10.208.0.0/12',
  link: { kind: 'vxlan', inUserSpace: [], keys: {} },
  found: [],
  known: [],
  fresh,
  privateAddress: (range, number) => `${range}#${number}`,
  ...parts,
});
const withHosts = (...hosts: ReturnType<typeof host>[]) => ({ ...input({}).config, hosts });
const asked = (file: ClusterFile | undefined): ClusterFile => {
  assert.ok(file);
  return file;
};

test('a new cluster has its catalog on the first edge host', () => {
  const files = decideCluster(input({}));
  assert.equal(files.app1?.catalog.host, 'front');
  assert.equal(files.app1?.catalog.address, files.front?.host.privateAddress);
  assert.deepEqual(
    files.app1?.hosts.map(({ number }) => number),
    [1, 2],
  );
  assert.equal(files.front?.host.name, 'front');
});

test('deciding again changes nothing, whatever the random parts', () => {
  const first = decideCluster(input({}));
  const found = Object.entries(first).map(([name, file]) => ({ host: name, file }));
  assert.deepEqual(decideCluster(input({ found, fresh: { ...fresh, id: 'other' } })), first);
});

test('a host that joins gets a number that nobody ever had, and the others learn of it', () => {
  const first = decideCluster(input({}));
  const gone = { ...asked(first.app1).host, name: 'gone', number: 7 };
  const files = decideCluster(
    input({
      config: withHosts(host('app1', 'app'), host('app2', 'app')),
      found: [{ host: 'app1', file: first.app1 }, { host: 'app2' }],
      known: [...asked(first.app1).hosts, gone],
    }),
  );
  assert.equal(files.app2?.host.number, 8);
  assert.equal(files.app2?.id, 'new');
  assert.deepEqual(
    files.app1?.hosts.map(({ name }) => name),
    ['app1', 'front', 'gone', 'app2'],
  );
  assert.equal(files.front, undefined);
});

test('a host that left does not come back by the file of one that did not hear of it, nor does its number', () => {
  const first = decideCluster(input({}));
  const gone = { ...asked(first.app1).host, name: 'gone', number: 7 };
  const stale = { ...asked(first.app1), hosts: [...asked(first.app1).hosts, gone] };
  const known = asked(first.app1).hosts;
  const hosts = [host('app1', 'app'), host('front', 'edge'), host('app2', 'app')];
  const found = [{ host: 'app1', file: stale }, { host: 'front', file: first.front }, { host: 'app2' }];
  const files = decideCluster(input({ config: withHosts(...hosts), found, known }));
  assert.deepEqual(
    files.app1?.hosts.map(({ name, number }) => [name, number]),
    [
      ['app1', 1],
      ['front', 2],
      ['app2', 8],
    ],
  );
  const heard = [{ host: 'app1', file: first.app1 }, { host: 'front', file: first.front }, { host: 'app2' }];
  const later = decideCluster(input({ config: withHosts(...hosts), found: heard, known, lastNumber: 9 }));
  assert.equal(later.app2?.host.number, 10);
});

test('hosts of two clusters are refused by name', () => {
  const first = asked(decideCluster(input({})).app1);
  const other = { ...first, id: 'other', host: { ...first.host, name: 'front' } };
  assert.throws(
    () =>
      decideCluster(
        input({
          found: [
            { host: 'app1', file: first },
            { host: 'front', file: other },
          ],
        }),
      ),
    { code: 'refused', message: /app1 \(new\) and front \(other\)/ },
  );
});

test('a host that was renamed is refused', () => {
  const first = decideCluster(input({}));
  assert.throws(
    () =>
      decideCluster(
        input({ config: withHosts(host('web1', 'app')), found: [{ host: 'web1', file: first.app1 }] }),
      ),
    { code: 'refused', message: /knows host web1 as app1/ },
  );
});

test('with WireGuard every host learns the public keys, and those without it in the kernel a program', () => {
  const link = {
    kind: 'wireguard',
    port: 1234,
    inUserSpace: ['front'],
    keys: { app1: 'A', front: 'F' },
  } as const;
  const files = decideCluster(input({ link }));
  assert.deepEqual(
    files.app1?.hosts.map(({ name, publicKey }) => [name, publicKey]),
    [
      ['app1', 'A'],
      ['front', 'F'],
    ],
  );
  assert.equal(files.app1?.linkPort, 1234);
  assert.equal(files.app1?.isLinkInUserSpace, undefined);
  assert.equal(files.front?.isLinkInUserSpace, true);
  assert.equal(files.front?.host.publicKey, 'F');
  const found = [{ host: 'app1', file: files.app1 }];
  const again = decideCluster(
    input({ config: withHosts(host('app1', 'app')), found, link: { ...link, keys: { app1: 'A' } } }),
  );
  assert.equal(
    again.app1?.hosts.find(({ name }) => name === 'front')?.publicKey,
    'F',
    'not at hand, not forgotten',
  );
});

test('rules of the edges stand in every file, and the usual ones in none', () => {
  assert.equal(decideCluster(input({})).front?.edge, undefined);
  const rules = { ...defaultEdgeRules, http3: true };
  const files = decideCluster(
    input({ config: { ...input({}).config, edge: { ...input({}).config.edge, rules } } }),
  );
  assert.deepEqual(
    Object.values(files).map(({ edge }) => edge),
    [rules, rules],
  );
});
