import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startHost, stopHost, takeDownLab } from '../../lab/hosts.ts';
import { until } from '../until.ts';
import {
  addressOf,
  askEdge,
  FOREIGN_ADDRESS,
  FOREIGN_NAME,
  get,
  lab,
  lookUp,
  MARKER,
  onHost,
  overhear,
  replicaAddress,
  said,
  seawall,
  serveNames,
  writeProject,
} from './wire-stage.ts';

/** Addresses of RFC 5737, which nobody has: public as far as Seawall knows. */
const PUBLIC = { host1: '203.0.113.11', host2: '203.0.113.12' };
/** What the first test makes Seawall choose. */
const RANGE = '10.192.0.0/12';
const LINK_ADDRESS = { host1: '10.192.16.1', host2: '10.192.32.1' };

/** Longest time without an answer while `work` runs, with what came of the pings that host1 sent host2 every 20 ms. */
async function pinged(
  seconds: number,
  work: () => Promise<unknown>,
): Promise<{ gapMs: number; lost: number; sent: number }> {
  const pings = said(
    'host1',
    `ping -D -i 0.02 -w ${seconds} -I ${LINK_ADDRESS.host1} ${LINK_ADDRESS.host2} || true`,
  );
  await work();
  const text = await pings;
  const answers = [...text.matchAll(/^\[(\d+\.\d+)\].*icmp_seq=(\d+)/gm)].map(([, time, sequence]) => ({
    atMs: Number(time) * 1000,
    sequence: Number(sequence),
  }));
  const gaps = answers.slice(1).map(({ atMs }, index) => atMs - (answers[index]?.atMs ?? atMs));
  // What was still on its way at the end is not lost.
  const sent = (answers.at(-1)?.sequence ?? 0) - (answers[0]?.sequence ?? 0) + 1;
  return { gapMs: Math.round(Math.max(0, ...gaps)), lost: sent - answers.length, sent };
}

const acrossBothWays = async (): Promise<void> => {
  for (const [host, peer] of [
    ['host1', 'host2'],
    ['host2', 'host1'],
  ] as const) {
    const address = await replicaAddress(peer, 'web');
    const body = await until(`${host} reaches ${peer}`, 60, async () => {
      const text = await get(host, 'web', `http://${address}:8000/`);
      return text.startsWith(MARKER) && text;
    });
    assert.match(body, /web/);
  }
};

before(async () => {
  for (const [host, address] of Object.entries(PUBLIC)) {
    await said(host, `ip addr replace ${address}/24 dev eth0`);
  }
});

after(async () => {
  if (process.env.SEAWALL_KEEP_LAB === undefined) await takeDownLab(lab);
});

test('a range that a host uses already is refused when asked for, and passed over when not', async (t) => {
  await said('host2', `ip route replace 10.213.0.0/16 via ${addressOf('foreign')}`);
  writeProject({ link: 'vxlan', range: '10.208.0.0/12' });
  const { stdout, stderr } = await seawall(2, 'machine', 'setup', '--yes');
  assert.match(stdout + stderr, /host2.*10\.208\.0\.0\/12 collides with the route 10\.213\.0\.0\/16 via/);
  assert.match(stdout + stderr, /range: 10\.192\.0\.0\/12/);
  writeProject({ link: 'vxlan' });
  await seawall(0, 'machine', 'setup', '--yes');
  assert.match(await said('host1', 'ip -br addr show seawall0'), new RegExp(LINK_ADDRESS.host1));
  t.diagnostic(`range chosen beside a route of host2: ${RANGE}`);
});

test('over VXLAN replicas meet, and whoever listens on the way reads along', async () => {
  await seawall(0, 'deploy', '--yes');
  await acrossBothWays();
  const address = await replicaAddress('host2', 'web');
  const heard = await overhear('host1', 'udp port 4789', async () => {
    await get('host1', 'web', `http://${address}:8000/`);
  });
  assert.ok(heard.includes(MARKER), 'the eavesdropper hears what is not encrypted');
});

test('public addresses are refused with VXLAN', async () => {
  writeProject({ link: 'vxlan' }, PUBLIC);
  const { stdout, stderr } = await seawall(2, 'machine', 'setup', '--yes');
  assert.match(stdout + stderr, /203\.0\.113\.11 is a public address/);
});

test('public addresses make the link of a live cluster WireGuard, by itself', async (t) => {
  writeProject({}, PUBLIC);
  let asked = 0;
  let failed = 0;
  let isOver = false;
  const visitor = (async () => {
    while (!isOver) {
      asked += 1;
      if ((await askEdge()) === undefined) failed += 1;
    }
  })();
  try {
    await seawall(0, 'machine', 'setup', '--yes');
  } finally {
    isOver = true;
    await visitor;
  }
  t.diagnostic(`VXLAN → WireGuard on a live cluster: ${asked} requests to the edge, ${failed} failed`);
  await acrossBothWays();
  assert.match((await seawall(0, 'machine', 'setup', '--yes')).stdout, /nothing to do/);
});

test('over WireGuard replicas meet, and whoever listens hears nothing that he could read', async (t) => {
  const address = await replicaAddress('host2', 'web');
  const heard = await overhear('host1', 'udp or icmp or tcp port 8000', async () => {
    for (let count = 0; count < 5; count += 1) {
      assert.match(await get('host1', 'web', `http://${address}:8000/`), new RegExp(MARKER));
    }
    assert.match((await askEdge()) ?? '', new RegExp(MARKER));
  });
  assert.ok(!heard.includes(MARKER));
  t.diagnostic(`5 answers with a marker: ${heard.length} bytes heard between the hosts, 0 markers`);
});

test('names and the isolation of networks hold across hosts as they do with VXLAN', async () => {
  const both = [await replicaAddress('host1', 'web'), await replicaAddress('host2', 'web')].toSorted();
  for (const host of ['host1', 'host2']) {
    await until(`${host} finds both replicas by name`, 60, async () => {
      return (await lookUp(host, 'web', 'web')) === both.join(' ');
    });
    assert.match(await get(host, 'web', 'http://web:8000/'), new RegExp(MARKER));
    assert.equal(await lookUp(host, 'web', 'vault'), 'unknown', 'no common network, no name');
  }
  const vault = await replicaAddress('host2', 'vault');
  assert.match(await get('host1', 'web', `http://${vault}:8000/`), /Timeout|timeout/);
  assert.match(await get('host2', 'web', `http://${vault}:8000/`), /Timeout|timeout/);
  // The door that is closed to other networks opens for the hosts, as for an edge.
  assert.match(await said('host1', `curl -s -m 3 http://${vault}:8000/`), /vault/);
});

test('a service with dns: of its own finds there what Seawall does not know, and the names of its project as before', async () => {
  await serveNames();
  for (const host of ['host1', 'host2']) {
    assert.equal(await lookUp(host, 'web', FOREIGN_NAME), FOREIGN_ADDRESS, host);
    assert.equal((await lookUp(host, 'web', 'web')).split(' ').length, 2, host);
  }
  assert.equal(await lookUp('host2', 'vault', FOREIGN_NAME), 'unknown', 'without dns: the host is asked');
});

test('the private key is in a file of root alone: in no argument, no variable and no log', async () => {
  for (const host of ['host1', 'host2']) {
    const key = await said(host, 'cat /var/lib/seawall/link/private.key');
    assert.equal(Buffer.from(key, 'base64').length, 32);
    assert.equal(await said(host, 'stat -c "%a %u" /var/lib/seawall/link/private.key'), '600 0');
    const seen = await said(
      host,
      `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '
docker inspect seawall-agent seawall-server seawall-link
for each in agent server link; do docker logs seawall-$each 2>&1; done
cat /etc/seawall/cluster.json /var/lib/seawall/link/wish.json`,
    );
    assert.ok(seen.includes('seawall-link') && seen.includes('51820'), 'the look finds what is there');
    assert.ok(!seen.includes(key));
  }
});

test("a foreign machine's packets to the link's port are dropped", async () => {
  const dropped = async () => {
    const rules = await said('host1', 'iptables -nvxL SEAWALL-INPUT');
    const line = rules.split('\n').find((text) => text.includes('DROP') && text.includes('dpt:51820')) ?? '';
    return Number(line.trim().split(/\s+/)[0]);
  };
  const packets = await dropped();
  await said('foreign', `bash -c 'echo x > /dev/udp/${addressOf('host1')}/51820'`);
  await until('the packet is counted as dropped', 10, async () => (await dropped()) > packets);
});

test('a machine with the right address and a key of its own does not join', async () => {
  const image = await said('host2', "docker inspect -f '{{.Image}}' seawall-agent");
  const key = await said('host1', 'docker exec seawall-link wg show seawall0 public-key');
  const ping = `ping -c 3 -i 0.3 -W 1 -I ${LINK_ADDRESS.host2} ${LINK_ADDRESS.host1}`;
  assert.equal((await onHost('host2', ping)).code, 0, 'with the right key');
  await said('host2', 'docker stop -t 2 seawall-agent seawall-link && ip link del seawall0');
  try {
    await said(
      'host2',
      `docker run -d --name stranger --network host --cap-add NET_ADMIN --device /dev/net/tun --entrypoint sh ${image} -c '
wireguard-go seawall0; wg genkey > /tmp/key
wg set seawall0 private-key /tmp/key listen-port 51820 peer ${key} endpoint ${PUBLIC.host1}:51820 allowed-ips ${RANGE}
ip addr add ${LINK_ADDRESS.host2}/32 dev seawall0; ip link set seawall0 up
ip route replace ${LINK_ADDRESS.host1}/32 dev seawall0; sleep 600'`,
    );
    await until('the stranger has knocked', 20, async () => {
      const { stdout } = await onHost('host2', `${ping}; docker exec stranger wg show seawall0 transfer`);
      return Number(stdout.trim().split(/\s+/).at(-1)) > 0;
    });
    assert.equal((await onHost('host2', ping)).code, 1, 'with a key of its own');
    assert.match(await said('host2', 'docker exec stranger wg show seawall0 latest-handshakes'), /\t0$/);
  } finally {
    await onHost('host2', 'docker rm -f stranger; docker start seawall-link seawall-agent');
  }
  await acrossBothWays();
});

test('an agent that restarts cuts nothing; a link program that dies costs moments', async (t) => {
  writeProject({});
  await seawall(0, 'machine', 'setup', '--yes');
  await acrossBothWays();
  const agent = await pinged(12, () => said('host1', 'docker restart seawall-agent'));
  t.diagnostic(`agent restarted: ${agent.lost} of ${agent.sent} pings lost`);
  assert.equal(agent.lost, 0);
  const running = () => said('host1', 'pgrep -x wireguard-go');
  const killed = await running();
  const program = await pinged(15, () => said('host1', 'pkill -KILL -x wireguard-go'));
  t.diagnostic(
    `wireguard-go killed: ${program.lost} of ${program.sent} pings lost, ${program.gapMs} ms without`,
  );
  await acrossBothWays();
  // Packets may all survive: the device holds some of them until the program is back.
  assert.notEqual(await running(), killed, 'it was killed, and started again');
});

test('a path that carries smaller packets than the link is found, large answers pass, and a better path is used', async (t) => {
  const route = () => said('host1', `ip route show ${LINK_ADDRESS.host2.replace(/\.1$/, '.0')}/20`);
  const size = async () => Number(/ mtu (\d+)/.exec(await route())?.[1] ?? 0);
  assert.match(await route(), /dev seawall0/);
  assert.equal(await size(), 0, 'the link that was cut for a moment left the route as wide as it was');
  await said('host2', 'ip link set dev eth0 mtu 1380');
  try {
    await until('host1 lowers its route', 150, async () => (await size()) > 0);
    const narrow = await size();
    // WireGuard adds 60 bytes to a packet that it has filled up to a multiple of 16; the search is exact to 8 bytes.
    const largest = Math.floor((1380 - 60) / 16) * 16;
    assert.ok(narrow >= largest - 8 && narrow <= largest, `${narrow}, not ${largest}`);
    t.diagnostic(`host2's network carries 1380 bytes: host1's route to it takes ${narrow}`);
    for (const [host, peer] of [
      ['host1', 'host2'],
      ['host2', 'host1'],
    ] as const) {
      const body = await get(host, 'web', `http://${await replicaAddress(peer, 'web')}:8000/large`);
      assert.ok(body.length > 200_000, `${host}: ${body.slice(0, 100)}`);
    }
  } finally {
    await said('host2', 'ip link set dev eth0 mtu 1500');
  }
  const restored = performance.now();
  await until('host1 gives its route the whole size again', 150, async () => (await size()) === 0);
  const seconds = Math.round((performance.now() - restored) / 1000);
  t.diagnostic(`1500 bytes again: the route is as wide as the link after ${seconds} s`);
});

test('a host that was switched off comes back with its link by itself', async () => {
  await stopHost(lab, 'host2');
  await startHost(lab, 'host2');
  await acrossBothWays();
});
