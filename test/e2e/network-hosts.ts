import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bringUpLab } from '../../lab/boot.ts';
import { findHost } from '../../lab/hosts.ts';
import { type Lab, stateFolder } from '../../lab/lab.ts';
import { bundleAgent } from '../../scripts/bundle.ts';
import { agentContainerBody, OWN_FOLDERS, serverContainerBody } from '../../src/agent-container.ts';
import { CatalogClient, ensureSubnet, makeCatalogCertificate } from '../../src/catalog/index.ts';
import { type HostRecord, KEY } from '../../src/catalog/record.ts';
import { type ClusterFile, HOST_PATH, OWN } from '../../src/cluster.ts';
import {
  connectHost,
  Docker,
  ensureContainer,
  type HostLink,
  writeHostFiles,
} from '../../src/hosts/index.ts';
import { LABEL } from '../../src/labels.ts';
import { dockerNetworkBody, dockerNetworkName } from '../../src/plan/index.ts';
import { privateAddress } from '../../src/ranges.ts';
import { labName, labsFolder } from '../lab-name.ts';
import { until as waitUntil } from '../until.ts';

const execFileAsync = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const IMAGE = 'seawall-net-agent:test';
export const RANGE = '10.208.0.0/12';

export interface NetworkHost {
  readonly name: string;
  readonly number: number;
  readonly address: string;
  readonly link: HostLink;
}

/** Waits for a condition. */
export const until = <T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  deadlineMs = 30_000,
): Promise<T> => waitUntil(what, deadlineMs / 1000, look, 100);

/** The agent image of this checkout, on the outer engine. */
async function buildAgentImage(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'seawall-agent-'));
  try {
    await bundleAgent(join(folder, 'agent.js'));
    await copyFile(join(root, 'agent/Dockerfile'), join(folder, 'Dockerfile'));
    await execFileAsync('docker', ['build', '--network', 'host', '--quiet', '--tag', IMAGE, folder]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sendImage(link: HostLink): Promise<void> {
  const outer = new Docker('/var/run/docker.sock');
  await link.docker.loadImages(await outer.saveImages([IMAGE]));
  outer.close();
}

/** What an earlier run left on a lab that was kept. */
async function removeFormer({ docker }: HostLink): Promise<void> {
  const containers = await docker.listContainers({ all: true, labels: [LABEL.cluster] });
  await Promise.all(containers.map(({ Id }) => docker.removeContainer(Id, { force: true })));
  const networks = await docker.listNetworks({ filters: { label: [LABEL.cluster] } });
  for (const { Name } of networks) await docker.removeNetwork(Name);
}

/** Lab hosts with Seawall's own containers on them, made as `machine setup` does. */
export class NetworkLab {
  readonly lab: Lab;
  readonly hosts: readonly NetworkHost[];
  readonly cluster: Omit<ClusterFile, 'host'>;
  #client: CatalogClient | undefined;

  private constructor(lab: Lab, hosts: readonly NetworkHost[], cluster: Omit<ClusterFile, 'host'>) {
    this.lab = lab;
    this.hosts = hosts;
    this.cluster = cluster;
  }

  static async make(name: string, count: number): Promise<NetworkLab> {
    const lab = await bringUpLab({
      name: labName(name),
      stateDir: stateFolder(labsFolder, name),
      hosts: count,
      foreign: true,
    });
    const names = Array.from({ length: count }, (_, index) => `host${index + 1}`);
    const hosts = await Promise.all(
      names.map(async (host, index) => {
        const { address } = findHost(lab, host);
        const config = { name: host, ssh: host, address, roles: ['app' as const], labels: {} };
        return {
          name: host,
          number: index + 1,
          address,
          link: await connectHost(config, { sshConfig: lab.sshConfig }),
        };
      }),
    );
    const { certificate, privateKey, token } = await makeCatalogCertificate();
    const address = privateAddress(RANGE, 1);
    const cluster = {
      version: 1 as const,
      id: `test-${name}`,
      key: randomBytes(32).toString('base64'),
      range: RANGE,
      link: 'vxlan' as const,
      catalog: { host: 'host1', address, port: 8500, certificate, privateKey, token },
      hosts: hosts.map(({ name: host, number, address: place }) => ({
        name: host,
        number,
        address: place,
        privateAddress: privateAddress(RANGE, number),
        roles: ['app' as const],
        labels: {},
      })),
      httpPort: 80,
    };
    return new NetworkLab(lab, hosts, cluster);
  }

  async setUp(): Promise<void> {
    await buildAgentImage();
    await Promise.all(this.hosts.map((host) => this.#setUpHost(host)));
    const client = await this.client();
    await until('the catalog answers', async () => (await client.leader()) !== '');
    for (const host of this.cluster.hosts) {
      const record: HostRecord = host;
      await client.kvPut(KEY.host(host.name), JSON.stringify(record));
    }
    await this.untilHealthy();
  }

  /** A new connection after the catalog's host was off. */
  async client(): Promise<CatalogClient> {
    if (this.#client !== undefined) return this.#client;
    const { certificate, token, port } = this.cluster.catalog;
    const target = await this.host('host1').link.forwardTcp(port);
    this.#client = new CatalogClient({ target, certificate, token });
    return this.#client;
  }

  host(name: string): NetworkHost {
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) throw new Error(`no host ${name}`);
    return found;
  }

  async untilHealthy(): Promise<void> {
    for (const { name, link } of this.hosts) {
      for (const container of [OWN.agent, OWN.server]) {
        await until(
          `${container} on ${name} is healthy`,
          async () => {
            const { State } = await link.docker.inspectContainer(container);
            return State.Health?.Status === 'healthy';
          },
          90_000,
        );
      }
    }
  }

  async #setUpHost(host: NetworkHost): Promise<void> {
    const { link } = host;
    await removeFormer(link);
    await sendImage(link);
    const own = this.cluster.hosts.find((one) => one.name === host.name);
    const folders = [HOST_PATH.config, HOST_PATH.state, ...Object.values(OWN_FOLDERS)].map((path) => ({
      path,
      mode: 0o700,
    }));
    const files = [
      { path: HOST_PATH.clusterFile, content: JSON.stringify({ ...this.cluster, host: own }), mode: 0o600 },
    ];
    const remove = Object.values(OWN_FOLDERS);
    await writeHostFiles(link.docker, { remove }, { image: IMAGE });
    await writeHostFiles(link.docker, { folders, files }, { image: IMAGE });
    const body = { image: IMAGE, cluster: this.cluster.id };
    await ensureContainer(link.docker, OWN.agent, agentContainerBody(body), { graceMs: 5_000 });
    await ensureContainer(link.docker, OWN.server, serverContainerBody(body), { graceMs: 5_000 });
  }

  /** @returns the network's /25 on that host */
  async makeNetwork(hostName: string, project: string, network: string, internal = false): Promise<string> {
    const { link, number } = this.host(hostName);
    const owner = { host: hostName, project, network, internal };
    const { block, cidr } = await ensureSubnet(await this.client(), RANGE, number, owner);
    const engineApiVersion = await link.docker.apiVersion();
    await link.docker.createNetwork(
      dockerNetworkBody({
        cluster: this.cluster.id,
        project,
        network,
        subnet: cidr,
        block,
        engineApiVersion,
      }),
    );
    return cidr;
  }

  /** A replica that answers HTTP on 8000 with the address that it was asked from. */
  async startReplica(
    hostName: string,
    replica: {
      readonly name: string;
      readonly project: string;
      readonly service: string;
      readonly addresses: Readonly<Record<string, string>>;
      readonly expose?: Readonly<Record<string, readonly string[]>>;
      readonly aliases?: Readonly<Record<string, readonly string[]>>;
    },
  ): Promise<void> {
    const { docker } = this.host(hostName).link;
    const { project, service, addresses, expose, aliases = {} } = replica;
    const [first, ...others] = Object.entries(addresses).map(([network, address]) => ({
      network: dockerNetworkName(project, network),
      endpoint: { IPAMConfig: { IPv4Address: address } },
    }));
    if (first === undefined) throw new Error('a replica needs a network');
    const published = Object.keys(expose ?? {}).map((port) => ({
      HostIp: '0.0.0.0',
      HostPort: port.split('/')[0],
    }));
    const bindings = published.length === 0 ? {} : { '8000/tcp': published };
    const id = await docker.createContainer(replica.name, {
      Image: IMAGE,
      Entrypoint: ['node', '-e', ECHO_SOURCE],
      Labels: {
        [LABEL.cluster]: this.cluster.id,
        [LABEL.project]: project,
        [LABEL.service]: service,
        [LABEL.kind]: 'replica',
        [LABEL.replica]: '1',
        [LABEL.port]: '8000',
        [LABEL.health]: JSON.stringify({ kind: 'tcp', port: 8000 }),
        [LABEL.names]: JSON.stringify(
          Object.fromEntries(Object.keys(addresses).map((network) => [network, aliases[network] ?? []])),
        ),
        ...(expose === undefined ? {} : { [LABEL.expose]: JSON.stringify(expose) }),
      },
      ExposedPorts: { '8000/tcp': {} },
      HostConfig: {
        NetworkMode: first.network,
        RestartPolicy: { Name: 'always' },
        Dns: [privateAddress(RANGE, this.host(hostName).number)],
        DnsSearch: [`${project}.internal`],
        PortBindings: bindings,
      },
      NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } },
    });
    for (const { network, endpoint } of others) await docker.connectNetwork(network, id, endpoint);
    await docker.startContainer(id);
  }

  /** Runs JavaScript in a container; `undefined` when it fails. @returns what it prints. */
  async evaluate(hostName: string, container: string, source: string): Promise<string> {
    const { docker } = this.host(hostName).link;
    const result = await docker.exec(container, ['node', '-e', source]);
    if (result.exitCode !== 0) throw new Error(`${container}: ${result.stderr}${result.stdout}`);
    return result.stdout.trim();
  }

  /** What a container gets for a GET: the body, or the error's code. */
  async get(hostName: string, container: string, url: string): Promise<string> {
    return this.evaluate(hostName, container, getSource(url));
  }

  /** Runs a program on a machine of the lab, by ssh. */
  async onMachine(
    machine: string,
    argv: readonly string[],
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn('ssh', ['-F', this.lab.sshConfig, machine, '--', ...argv], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk) => (stdout += chunk));
      child.stderr.on('data', (chunk) => (stderr += chunk));
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
    });
  }

  /**
   * Has the foreign machine try places (`ADDRESS:PORT`) without a pause while `work` runs.
   * @returns for each how often it was let in, and milliseconds from the first time to the last
   */
  async knock(places: readonly string[], work: () => Promise<void>): Promise<Record<string, Knocked>> {
    const source = Buffer.from(`places = ${JSON.stringify(places)}\n${KNOCK_SOURCE}`).toString('base64');
    const python = `'exec(__import__("base64").b64decode("${source}"))'`;
    await this.onMachine('foreign', ['rm', '-f', '/tmp/enough']);
    const knocking = this.onMachine('foreign', ['python3', '-c', python]);
    try {
      await work();
    } finally {
      await this.onMachine('foreign', ['touch', '/tmp/enough']);
    }
    return JSON.parse((await knocking).stdout) as Record<string, Knocked>;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
    for (const { link } of this.hosts) link.close();
  }
}

export interface Knocked {
  readonly tries: number;
  readonly opened: number;
  readonly windowMs: number;
}

/** Ends by itself after three minutes. Three at each door: a try at a closed one takes a quarter of a second. */
const KNOCK_SOURCE = `
import json, os, socket, threading, time
end = time.monotonic() + 180
seen = {place: {'tries': 0, 'at': []} for place in places}
def knock(place):
    address, port = place.split(':')
    while time.monotonic() < end and not os.path.exists('/tmp/enough'):
        seen[place]['tries'] += 1
        try:
            socket.create_connection((address, int(port)), 0.25).close()
            seen[place]['at'].append(time.monotonic())
        except OSError: pass
        time.sleep(0.02)
threads = [threading.Thread(target=knock, args=[place]) for place in places for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
window = lambda at: round((max(at) - min(at)) * 1000) if at else 0
print(json.dumps({place: {'tries': one['tries'], 'opened': len(one['at']), 'windowMs': window(one['at'])} for place, one in seen.items()}))
`;

const ECHO_SOURCE = `
const answer = (request, response) => response.end(request.socket.remoteAddress.replace('::ffff:', ''));
require('node:http').createServer(answer).listen(8000, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
`;

const getSource = (url: string): string => `
const request = require('node:http').get(${JSON.stringify(url)}, { timeout: 2000, agent: false }, (response) => {
  let body = '';
  response.on('data', (chunk) => (body += chunk)).on('end', () => console.log(body));
});
request.on('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })));
request.on('error', (error) => console.log(error.code));
`;
