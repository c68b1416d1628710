import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startHost, stopHost, takeDownLab } from '../../lab/hosts.ts';
import { KEY } from '../../src/catalog/record.ts';
import type { AliveRecord } from '../../src/network/index.ts';
import { privateAddress, staticAddresses } from '../../src/ranges.ts';
import { NetworkLab, RANGE, until } from './network-hosts.ts';

/** Closed ports are dropped, not refused. */
const NOTHING = 'TIMEOUT';
let lab: NetworkLab;
/** Addresses of the replicas. */
const at: Record<string, string> = {};

/** Two hosts (Engine 28.5 and 20.10) that carry two projects; `web` is in an open and an internal network. */
before(async () => {
  lab = await NetworkLab.make('net', 2);
  await lab.setUp();
  const subnets: Record<string, string> = {};
  for (const host of ['host1', 'host2']) {
    subnets[`${host} default`] = await lab.makeNetwork(host, 'polls', 'default');
    subnets[`${host} back`] = await lab.makeNetwork(host, 'polls', 'back', true);
    subnets[`${host} other`] = await lab.makeNetwork(host, 'other', 'default');
  }
  const give = (name: string, subnet: string, index: number) => {
    at[name] = staticAddresses(subnets[subnet] ?? '')[index] ?? '';
    return at[name];
  };
  const polls = { project: 'polls' };
  for (const [host, number] of [
    ['host1', 1],
    ['host2', 2],
  ] as const) {
    await lab.startReplica(host, {
      ...polls,
      name: `web-${number}`,
      service: 'web',
      addresses: {
        default: give(`web-${number}`, `${host} default`, 0),
        back: give(`web-${number} back`, `${host} back`, 0),
      },
    });
    await lab.startReplica(host, {
      ...polls,
      name: `db-${number}`,
      service: 'db',
      addresses: { back: give(`db-${number}`, `${host} back`, 1) },
      aliases: { back: ['postgres'] },
    });
    await lab.startReplica(host, {
      project: 'other',
      name: `other-${number}`,
      service: 'web',
      addresses: { default: give(`other-${number}`, `${host} other`, 0) },
      expose: number === 1 ? { '7001/tcp': ['0.0.0.0/0'] } : { '7002/tcp': ['192.0.2.0/24'] },
    });
  }
});

after(async () => {
  lab?.close();
  // SEAWALL_KEEP_LAB=1 leaves it to be looked at, and to be used again by the next run.
  if (lab !== undefined && process.env.SEAWALL_KEEP_LAB !== '1') await takeDownLab(lab.lab);
});

const url = (name: string) => `http://${at[name]}:8000/`;

test('a replica reaches one on another host in the same network, which sees its own address', async () => {
  await until('the link stands', async () => (await lab.get('host1', 'web-1', url('web-2'))) === at['web-1']);
  assert.equal(await lab.get('host2', 'web-2', url('web-1')), at['web-2']);
  assert.equal(await lab.get('host1', 'db-1', url('db-2')), at['db-1']);
});

test('replicas of one network on the same host reach each other, and see their own addresses', async () => {
  for (const [host, from, to] of [
    ['host1', 'web-1', 'db-1'],
    ['host2', 'web-2', 'db-2'],
  ] as const) {
    assert.equal(await lab.get(host, from, url(to)), at[`${from} back`], `${from} → ${to}`);
    assert.equal(await lab.get(host, to, `http://${at[`${from} back`]}:8000/`), at[to], `${to} → ${from}`);
  }
});

test('a replica in two networks reaches the other hosts in both, with its address of that network', async () => {
  for (const [host, from, to] of [
    ['host1', 'web-1', 'db-2'],
    ['host2', 'web-2', 'db-1'],
  ] as const) {
    assert.equal(await lab.get(host, from, url(to)), at[`${from} back`], `${from} → ${to}`);
  }
  // And is reached in both.
  assert.equal(await lab.get('host2', 'db-2', `http://${at['web-1 back']}:8000/`), at['db-2']);
});

test('other projects and other networks are closed, on the same host and across', async () => {
  const closed = [
    ...['other-1', 'other-2', 'web-1', 'web-2'].map((to) => ['db-1', to] as const),
    ...['web-1', 'web-2', 'db-1', 'db-2'].map((to) => ['other-1', to] as const),
  ];
  await Promise.all(
    closed.map(async ([from, to]) =>
      assert.equal(await lab.get('host1', from, url(to)), NOTHING, `${from} → ${to}`),
    ),
  );
});

test('a host itself reaches every replica, as the edge does', async () => {
  const source = (name: string) => ['curl', '-s', '-m', '3', url(name)];
  for (const name of ['web-1', 'web-2', 'db-1', 'db-2', 'other-2']) {
    const { stdout } = await lab.onMachine('host1', source(name));
    const isLocal = name.endsWith('-1');
    if (!isLocal) assert.equal(stdout, privateAddress(RANGE, 1), name);
    else assert.match(stdout, /^10\.208\.1\d\.\d+$/, name);
  }
});

test('a replica reaches of its host only names, and of other hosts nothing', async () => {
  const own = privateAddress(RANGE, 1);
  const other = privateAddress(RANGE, 2);
  await Promise.all(
    [`${own}:8500`, `${own}:22`, `${other}:22`, `${other}:53`].map(async (place) =>
      assert.equal(await lab.get('host1', 'web-1', `http://${place}/`), NOTHING, place),
    ),
  );
});

test('a way out: open networks have one, under the host address; internal ones have none', async () => {
  const foreign = lab.lab.hosts.find((host) => host.role === 'foreign')?.address ?? '';
  assert.notEqual(await lab.get('host1', 'web-1', `http://${foreign}:22/`), NOTHING, 'web has');
  assert.notEqual(await lab.get('host2', 'other-2', `http://${foreign}:22/`), NOTHING, 'other has');
  assert.equal(await lab.get('host1', 'db-1', `http://${foreign}:22/`), NOTHING, 'db has not');
  assert.equal(await lab.get('host2', 'db-2', `http://${foreign}:22/`), NOTHING, 'db has not');
});

test('a foreign machine reaches nothing of the private network, also when it adds a route', async () => {
  const [one, two] = lab.hosts;
  assert.ok(one && two);
  for (const { number, address } of [one, two]) {
    await lab.onMachine('foreign', ['ip', 'route', 'replace', `10.208.${number * 16}.0/20`, 'via', address]);
  }
  const reach = async (place: string) =>
    (await lab.onMachine('foreign', ['curl', '-sk', '-m', '2', '-o', '/dev/null', place])).code;
  const places = [
    ...['web-1', 'web-2', 'db-2', 'other-1', 'other-2'].map(url),
    `https://${privateAddress(RANGE, 1)}:8500/`,
    `http://${privateAddress(RANGE, 1)}:22/`,
  ];
  await Promise.all(
    places.map(async (place) => assert.equal(await reach(place), 28, `${place} must not answer`)),
  );
  // The same look finds an open door: the older engine has none of its own once the rules are gone.
  await lab.host('host2').link.docker.stopContainer('seawall-agent', 5_000);
  await lab.onMachine('host2', ['iptables', '-F', 'SEAWALL-TO-BRIDGE']);
  assert.equal(await reach(url('web-2')), 0, 'reached without the rules');
  await lab.host('host2').link.docker.startContainer('seawall-agent');
  await until('closed again', async () => (await reach(url('web-2'))) === 28);
});

test("the link's port takes packets of the cluster's hosts only", async () => {
  const [one] = lab.hosts;
  const dropped = async () => {
    const { stdout } = await lab.onMachine('host1', ['iptables', '-nvxL', 'SEAWALL-INPUT']);
    const line = stdout.split('\n').find((text) => text.includes('DROP') && text.includes('dpt:4789')) ?? '';
    return Number(line.trim().split(/\s+/)[0]);
  };
  const before = await dropped();
  await lab.onMachine('foreign', ['bash', '-c', `'echo x > /dev/udp/${one?.address}/4789'`]);
  await until('the packet is counted as dropped', async () => (await dropped()) > before);
});

test('a published port is reached by those whom expose names, and by nobody else', async () => {
  const [one, two] = lab.hosts;
  const open = await lab.onMachine('foreign', ['curl', '-s', '-m', '3', `http://${one?.address}:7001/`]);
  assert.equal(open.code, 0, open.stderr);
  const closed = await lab.onMachine('foreign', ['curl', '-s', '-m', '2', `http://${two?.address}:7002/`]);
  assert.equal(closed.code, 28);
});

test('names lead to healthy replicas of the own project in common networks', async () => {
  const lookUp = (host: string, container: string, name: string) =>
    lab.evaluate(
      host,
      container,
      `require('node:dns').lookup(${JSON.stringify(name)}, { all: true, family: 4 }, (error, all) => console.log(error ? error.code : all.map((one) => one.address).sort().join(' ')));`,
    );
  const both = (name: string, suffix = '') =>
    [at[`${name}-1${suffix}`], at[`${name}-2${suffix}`]].sort().join(' ');
  await until('db-1 finds web', async () => (await lookUp('host1', 'db-1', 'web')) === both('web', ' back'));
  assert.equal(await lookUp('host2', 'web-2', 'db'), both('db'));
  assert.equal(await lookUp('host2', 'web-2', 'postgres'), both('db'));
  assert.equal(await lookUp('host2', 'web-2', 'db.polls.internal'), both('db'));
  assert.equal(await lookUp('host2', 'other-2', 'web'), both('other'));
  assert.equal(await lookUp('host2', 'other-2', 'db'), 'ENOTFOUND');
  assert.equal(await lookUp('host2', 'other-2', 'db.polls.internal'), 'ENOTFOUND');
});

test('a host says that it is alive and that whole packets pass to its peers', async () => {
  const client = await lab.client();
  for (const [host, peer] of [
    ['host1', 'host2'],
    ['host2', 'host1'],
  ] as const) {
    const record = await until(
      `${host} has probed`,
      async () => {
        const { value } = await client.kvGet(KEY.alive(host));
        const parsed = JSON.parse(value?.value ?? '{}') as AliveRecord;
        return parsed.link?.[peer] === 'ok' && parsed;
      },
      60_000,
    );
    assert.equal(record.linkMtu, 1450);
  }
});

test('rules that somebody flushed come back', async () => {
  await lab.onMachine('host2', ['iptables', '-F', 'SEAWALL-FROM-LINK']);
  await lab.onMachine('host2', ['iptables', '-F', 'DOCKER-USER']);
  const rules = async () => (await lab.onMachine('host2', ['iptables', '-S'])).stdout;
  await until(
    'the rules are back',
    async () => {
      const text = await rules();
      return (
        text.includes('-A DOCKER-USER -j SEAWALL-FORWARD') && text.includes('-A SEAWALL-FROM-LINK -j DROP')
      );
    },
    45_000,
  );
});

test('a host that was switched off comes back with its network by itself, and closes its doors to strangers', async (t) => {
  const [one, two] = lab.hosts;
  const direct = `${at['web-2']}:8000`;
  const published = `${two?.address}:7002`;
  const open = `${one?.address}:7001`;
  await lab.onMachine('foreign', ['ip', 'route', 'replace', '10.208.32.0/20', 'via', `${two?.address}`]);
  const knocked = await lab.knock([direct, published, open], async () => {
    await stopHost(lab.lab, 'host2');
    await startHost(lab.lab, 'host2');
    await until(
      'web-2 answers again',
      async () => (await lab.get('host1', 'web-1', url('web-2'))) === at['web-1'],
      60_000,
    );
  });
  for (const [name, place] of Object.entries({ replica: direct, 'published port': published })) {
    const { tries, opened, windowMs } = knocked[place] ?? { tries: 0, opened: 0, windowMs: 0 };
    assert.ok(tries > 0);
    t.diagnostic(`boot: ${name} let a stranger in ${opened} of ${tries} times, within ${windowMs} ms`);
  }
  assert.ok((knocked[open]?.opened ?? 0) > 0, 'an open door is found open');
  for (const place of [direct, published]) {
    const { code } = await lab.onMachine('foreign', ['curl', '-s', '-m', '2', `http://${place}/`]);
    assert.equal(code, 28, `${place} is closed again`);
  }
});
