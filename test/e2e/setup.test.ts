import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { takeDownLab } from '../../lab/hosts.ts';
import type { Lab } from '../../lab/lab.ts';
import { defaultEdgeRules, HOST_PATH, OWN } from '../../src/cluster.ts';
import type { Config } from '../../src/config/index.ts';
import { edgeContainerBody } from '../../src/edge-container.ts';
import { Docker, type HostLink, isNotFound, readFacts, run, writeHostFiles } from '../../src/hosts/index.ts';
import type { Progress } from '../../src/progress.ts';
import { privateAddress } from '../../src/ranges.ts';
import { connectForSetup, setupCluster, setupReasons, teardownHost } from '../../src/rollout/setup/index.ts';
import { hostConfig, labOf, root } from './lab-links.ts';

const parts = { edgeBody: edgeContainerBody, privateAddress };
const agentSource = {
  version: '0.0.0-e2e',
  dockerfile: join(root, 'agent/Dockerfile'),
  program: join(root, 'dist/agent.js'),
  baseImage: 'node:24-slim',
  buildNetwork: 'host',
};
const { signal } = new AbortController();
let lab: Lab;
let config: Config;
let links: readonly HostLink[] = [];
const operator = new Docker('/var/run/docker.sock');

before(async () => {
  if (!existsSync(agentSource.program)) {
    await run(process.execPath, [join(root, 'scripts/build.ts')], { where: 'build', timeoutMs: 60_000 });
  }
  lab = await labOf('setup-e2e', 2);
  config = {
    sshConfig: lab.sshConfig,
    network: { range: '10.208.0.0/12', link: 'vxlan' },
    edge: { image: 'nginx:1.30', httpPort: 80, rules: defaultEdgeRules },
    certificates: { source: 'internal', issuers: [], challenge: 'http', keys: ['ecdsa'] },
    agent: { baseImage: 'node:24-slim', buildNetwork: 'host' },
    keep: { releases: 5 },
    written: [],
    // The old engine is reached by a user who has sudo and no more.
    hosts: [
      hostConfig(lab, 'host1', { roles: ['app', 'edge'] }),
      hostConfig(lab, 'host2', { ssh: 'deploy@host2' }),
    ],
  };
  links = await connectForSetup(config, { report: () => {}, signal });
});

after(async () => {
  for (const link of links) link.close();
  operator.close();
  if (lab) await takeDownLab(lab);
});

const setUp = (report: (event: Progress) => void = () => {}) =>
  setupCluster({ config, links, agentSource, operator, dockerConfig: {}, parts, report, signal });

const reasonsNow = () =>
  setupReasons({ config, project: 'shop', agentSource, parts, knownHosts: async () => [], signal });

const statusOf = (ssh: HostLink, script: string) =>
  ssh.exec(['sh', '-c', `sudo -n true 2>/dev/null && s="sudo -n"; ${script}`]);

test('two bare hosts become a cluster whose agents live and whose link carries packets', async () => {
  const { cluster, done } = await setUp();
  assert.equal(cluster.catalog.host, 'host1');
  assert.deepEqual(done.host2, ['cluster file written', 'server created', 'agent created']);
  const reasons = reasonsNow();
  for (const link of links) {
    const facts = await readFacts(link);
    assert.equal(facts.cluster?.id, cluster.id);
    assert.equal(facts.own.agent?.state, 'running');
    assert.equal(facts.own.edge?.state, link.name === 'host1' ? 'running' : undefined);
    assert.deepEqual(await reasons(link), []);
    const { stdout } = await statusOf(
      link,
      `$s stat -c '%a %u %n' ${HOST_PATH.config} ${HOST_PATH.clusterFile}`,
    );
    assert.equal(stdout, `700 0 ${HOST_PATH.config}\n600 0 ${HOST_PATH.clusterFile}\n`);
  }
});

test("the cluster's secrets stand in no container's settings and no log", async () => {
  for (const link of links) {
    const facts = await readFacts(link);
    const secrets = [facts.cluster?.key, facts.cluster?.catalog.token];
    for (const name of [OWN.agent, OWN.server]) {
      const shown = JSON.stringify(await link.docker.inspectContainer(name));
      const lines: string[] = [];
      for await (const { line } of link.docker.containerLogs(name)) lines.push(line);
      for (const secret of secrets) {
        assert.ok(secret && !shown.includes(secret) && !lines.join('\n').includes(secret));
      }
    }
  }
});

test('a second setup finds nothing to do and touches nothing', async () => {
  // A container that was started a moment ago becomes healthy meanwhile.
  const started = async () =>
    (await Promise.all(links.map((link) => readFacts(link)))).map(({ own }) =>
      Object.entries(own).map(([name, facts]) => [name, { ...facts, health: '' }]),
    );
  const before = await started();
  const events: Progress[] = [];
  const { done } = await setUp((event) => events.push(event));
  assert.deepEqual(done, { host1: [], host2: [] });
  assert.deepEqual(events, []);
  assert.deepEqual(await started(), before);
});

test('what was lost on a host is made again, the cluster stays the same', async () => {
  const [first, second] = links;
  assert.ok(first && second);
  const before = (await readFacts(first)).cluster?.id;
  const { Image } = await second.docker.inspectContainer(OWN.agent);
  await second.docker.tagImage(Image, 'seawall-agent:earlier');
  await second.docker.removeContainer(OWN.server, { force: true });
  await second.docker.removeContainer(OWN.agent, { force: true });
  const reasons = reasonsNow();
  assert.deepEqual(await reasons(second), ['set up Seawall']);
  const { cluster, done } = await setUp();
  assert.equal(cluster.id, before);
  assert.deepEqual(done.host1, []);
  assert.ok(done.host2?.includes('agent created'));
  await assert.rejects(second.docker.inspectImage('seawall-agent:earlier'), isNotFound);
  await second.docker.inspectImage(Image);
});

test('a host of another cluster is refused and nothing is changed', async () => {
  const [first, second] = links;
  assert.ok(first && second);
  const own = (await readFacts(second)).cluster;
  assert.ok(own);
  const image = (await second.docker.inspectContainer(OWN.agent)).Image;
  const write = (content: string) =>
    writeHostFiles(
      second.docker,
      { files: [{ path: HOST_PATH.clusterFile, content, mode: 0o600 }] },
      { image },
    );
  await write(JSON.stringify({ ...own, id: 'another' }));
  await assert.rejects(setUp(), { code: 'refused', message: /host1 .* and host2 \(another\)/ });
  assert.equal((await readFacts(second)).cluster?.id, 'another');
  await write(JSON.stringify(own));
  assert.deepEqual((await setUp()).done, { host1: [], host2: [] });
});

test('a host that is left has nothing of Seawall any more', async () => {
  for (const link of links) {
    await teardownHost(link, { projects: true, signal });
    await teardownHost(link, { projects: true, signal });
    const left =
      'PATH=$PATH:/usr/sbin; ls -d /etc/seawall /var/lib/seawall 2>/dev/null; $s iptables-save | grep SEAWALL; ip -o link show seawall0 2>/dev/null; ip route show type unreachable; docker ps -aq';
    assert.equal((await statusOf(link, left)).stdout, '');
  }
});
