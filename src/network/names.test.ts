import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Instance, META } from '../catalog/record.ts';
import { addressesInForce, answerQuestion, indexNames, type NamesView, type Reply } from './names.ts';

function instance(
  service: string,
  host: string,
  addresses: Record<string, string>,
  more: Partial<Instance> = {},
): Instance {
  const project = more.meta?.[META.project] ?? 'polls';
  const [address = ''] = Object.values(addresses);
  return {
    id: `${host}:${project}-${service}-${address}:0`,
    service: `${project}-${service}`,
    host,
    address,
    port: 0,
    tags: [],
    status: 'passing',
    output: '',
    draining: false,
    ...more,
    meta: {
      [META.project]: project,
      [META.service]: service,
      [META.addresses]: JSON.stringify(addresses),
      ...more.meta,
    },
  };
}

const other = { meta: { [META.project]: 'shop' } };
const aliases = { meta: { [META.names]: JSON.stringify({ back: ['postgres', 'Primary.DB'] }) } };
const all = [
  instance('web', 'app1', { default: '10.208.16.130', back: '10.208.17.2' }),
  instance('web', 'app2', { default: '10.208.32.130', back: '10.208.33.2' }),
  instance('db', 'app1', { back: '10.208.17.3' }, aliases),
  instance('web', 'app1', { default: '10.208.17.130' }, other),
];

function viewOf(instances: readonly Instance[], more: Partial<NamesView> = {}): NamesView {
  const services = new Map<string, Instance[]>();
  for (const one of instances) services.set(one.service, [...(services.get(one.service) ?? []), one]);
  return {
    range: '10.208.0.0/12',
    services,
    aliveHosts: new Set(['app1', 'app2']),
    blocks: [
      { subnet: '10.208.16.128/25', project: 'polls', network: 'default', internal: false },
      { subnet: '10.208.17.0/25', project: 'polls', network: 'back', internal: true },
      { subnet: '10.208.17.128/25', project: 'shop', network: 'default', internal: false },
    ],
    containers: [],
    ...more,
  };
}

const WEB = '10.208.16.130';
const DB = '10.208.17.3';
const SHOP = '10.208.17.130';
const ONE_OFF = '10.208.16.200';

function ask(source: string, name: string, type = 'A', view: NamesView = viewOf(all)): Reply {
  return answerQuestion(indexNames(view), { source, name, type });
}
const found = (...addresses: string[]): Reply => ({ kind: 'addresses', addresses });

test('a service is found by its name, by its full name and in any case, with the addresses of the common network', () => {
  for (const name of ['web', 'WEB', 'web.polls.internal', 'Web.Polls.Internal']) {
    assert.deepEqual(ask(DB, name), found('10.208.17.2', '10.208.33.2'), name);
  }
  assert.deepEqual(ask(ONE_OFF, 'web'), found('10.208.16.130', '10.208.32.130'));
});

test('an alias leads to its service, in the network that it was given for', () => {
  assert.deepEqual(ask(WEB, 'postgres'), found('10.208.17.3'));
  assert.deepEqual(ask(WEB, 'primary.db'), found('10.208.17.3'));
  assert.deepEqual(ask(ONE_OFF, 'postgres'), { kind: 'unknown' });
});

test('the same name in another project is another service, and that project does not exist for others', () => {
  assert.deepEqual(ask(SHOP, 'web'), found('10.208.17.130'));
  for (const name of ['db', 'db.polls.internal', 'web.polls.internal'])
    assert.deepEqual(ask(SHOP, name), { kind: 'unknown' }, name);
});

test('an asker that is not of the cluster gets no internal name', () => {
  for (const name of ['web', 'web.polls.internal'])
    assert.deepEqual(ask('10.208.99.5', name), { kind: 'refused' }, name);
  assert.deepEqual(ask('10.208.99.5', 'example.com'), { kind: 'forward' });
});

test('the agent knows a container before the catalog does', () => {
  const containers = [
    { name: 'x', project: 'polls', addresses: { default: ONE_OFF, back: '10.208.17.9' }, exposed: [] },
  ];
  assert.deepEqual(ask(ONE_OFF, 'db', 'A', viewOf(all, { containers })), found('10.208.17.3'));
});

test('a name without a record of the asked type exists all the same: no search goes on elsewhere', () => {
  assert.deepEqual(ask(WEB, 'web', 'AAAA'), { kind: 'empty' });
  assert.deepEqual(ask(WEB, 'web', 'MX'), { kind: 'empty' });
  assert.deepEqual(ask(WEB, 'nothing', 'AAAA'), { kind: 'unknown' });
});

test('replicas that are draining, not well or on a dead host are left out', () => {
  const [one, two, ...rest] = all;
  assert.ok(one && two);
  const worse: Partial<Instance>[] = [{ draining: true }, { status: 'critical' }, { status: 'warning' }];
  for (const part of worse) {
    assert.deepEqual(
      ask(DB, 'web', 'A', viewOf([{ ...one, ...part }, two, ...rest])),
      found('10.208.33.2'),
      JSON.stringify(part),
    );
  }
  assert.deepEqual(ask(DB, 'web', 'A', viewOf(all, { aliveHosts: new Set(['app2']) })), found('10.208.33.2'));
});

test('when only replicas of dead hosts are left they are given out; without any the name exists with no address', () => {
  const [, two, ...rest] = all;
  assert.ok(two);
  const dead = { aliveHosts: new Set<string>() };
  assert.deepEqual(ask(DB, 'web', 'A', viewOf(all, dead)), found('10.208.17.2', '10.208.33.2'));
  const drained = all.map((one) => ({ ...one, draining: true }));
  assert.deepEqual(ask(DB, 'web', 'A', viewOf(drained)), { kind: 'empty' });
  assert.deepEqual(ask(DB, 'web', 'A', viewOf([{ ...two, status: 'critical' }, ...rest])), { kind: 'empty' });
});

test('other names go to the resolvers of the host, but not out of an internal network', () => {
  assert.deepEqual(ask(WEB, 'example.com'), { kind: 'forward' });
  assert.deepEqual(ask(WEB, 'metadata.google.internal'), { kind: 'forward' });
  assert.deepEqual(ask(DB, 'example.com'), { kind: 'unknown' });
  assert.deepEqual(ask(WEB, 'typo'), { kind: 'unknown' });
});

test('an address leads back to its service, for the own project only', () => {
  assert.deepEqual(ask(WEB, '3.17.208.10.in-addr.arpa', 'PTR'), {
    kind: 'pointer',
    name: 'db.polls.internal',
  });
  assert.deepEqual(ask(SHOP, '3.17.208.10.in-addr.arpa', 'PTR'), { kind: 'unknown' });
  assert.deepEqual(ask(WEB, '1.0.0.9.in-addr.arpa', 'PTR'), { kind: 'forward' });
});

test('what somebody started by hand has no project name', () => {
  const byHand = { ...instance('web', 'app1', { default: '10.208.16.1' }), service: 'web', meta: {} };
  assert.deepEqual(ask(DB, 'web', 'A', viewOf([...all, byHand])), found('10.208.17.2', '10.208.33.2'));
  assert.deepEqual(Object.keys(addressesInForce(viewOf([...all, byHand]))), [
    'polls-db',
    'polls-web',
    'shop-web',
  ]);
});

test('what is acknowledged is what is given out', () => {
  const [one, ...rest] = all;
  assert.ok(one);
  assert.deepEqual(addressesInForce(viewOf([{ ...one, draining: true }, ...rest])), {
    'polls-db': ['10.208.17.3'],
    'polls-web': ['10.208.32.130'],
    'shop-web': ['10.208.17.130'],
  });
});

test('no question, whatever its name and type, makes the resolver throw or leave the project', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.constantFrom('A', 'AAAA', 'PTR', 'TXT'),
      fc.constantFrom(WEB, DB, ONE_OFF),
      (name, type, source) => {
        const reply = ask(source, name, type);
        if (reply.kind === 'addresses') assert.ok(!reply.addresses.includes(SHOP));
      },
    ),
  );
});

test("a service's own resolvers are asked for what Seawall does not know, but for nothing that they could open", () => {
  const own = (...resolvers: string[]) => {
    const container = { name: 'web', project: 'polls', addresses: { default: WEB }, exposed: [], resolvers };
    const view = viewOf(all, { containers: [container] });
    return { outside: ask(WEB, 'example.com', 'A', view), inside: ask(WEB, 'web', 'A', view) };
  };
  assert.deepEqual(own('192.0.2.53', '2001:db8::53').outside, {
    kind: 'forward',
    resolvers: ['192.0.2.53', '2001:db8::53'],
  });
  assert.equal(own('192.0.2.53').inside.kind, 'addresses');
  // As the host it would reach what the container itself may not.
  assert.deepEqual(own('127.0.0.1', '::1', '10.208.33.2').outside, { kind: 'forward' });
});
