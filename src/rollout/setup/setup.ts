import { isDeepStrictEqual } from 'node:util';
import { OWN_FOLDERS } from '../../agent-container.ts';
import type { CatalogClient } from '../../catalog/index.ts';
import { type HostRecord, KEY } from '../../catalog/record.ts';
import { type ClusterFile, defaultEdgeRules, HOST_PATH, OWN } from '../../cluster.ts';
import type { Config } from '../../config/index.ts';
import { SeawallError } from '../../errors.ts';
import {
  type Docker,
  ensureContainer,
  findContainer,
  type HostLink,
  listeningPorts,
  readFacts,
  refuseUnfit,
  writeHostFiles,
} from '../../hosts/index.ts';
import {
  type AgentImageSource,
  type DockerConfig,
  ensureAgentImage,
  ensureImages,
  removeOldAgentImages,
} from '../../images/index.ts';
import { type Report, reportStep } from '../../progress.ts';
import { openCatalog } from '../session.ts';
import { waitForAgents, waitForCatalog, waitForEdge, waitForGeneration } from './await-parts.ts';
import { type HostBodies, hostBodies, outdatedContainers, type SetupParts } from './bodies.ts';
import { decideFiles, type HostIds } from './cluster-files.ts';

export interface SetupOptions {
  readonly config: Config;
  /** Every configured host. */
  readonly links: readonly HostLink[];
  readonly agentSource: AgentImageSource;
  /** This machine's own engine, when it has one. */
  readonly operator?: Docker;
  readonly dockerConfig: DockerConfig;
  readonly parts: SetupParts;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface SetupResult {
  /** As the catalog's host carries it. */
  readonly cluster: ClusterFile;
  /** Host → what was done there; an empty list: nothing was to do. */
  readonly done: Readonly<Record<string, readonly string[]>>;
}

/** One host in the middle of its setup. */
interface HostWork {
  readonly link: HostLink;
  readonly file: ClusterFile;
  readonly bodies: HostBodies;
  readonly agentImage: string;
  readonly isFileCurrent: boolean;
  readonly done: string[];
}

const stopGraceMs = 15_000;

/**
 * Makes a cluster of the configured hosts, or brings theirs up to date: images, cluster file, agent, server, edge.
 * Safe to repeat, also after it was cut short; what is as it should be is left alone.
 * @throws SeawallError `refused` for hosts of two clusters or engines that will not do.
 */
export async function setupCluster(options: SetupOptions): Promise<SetupResult> {
  const { links, signal, parts } = options;
  const facts = await Promise.all(links.map((link) => readFacts(link, { signal })));
  for (const fact of facts) refuseUnfit(fact, fact.name);
  const images = await bringImages(options);
  const files = await decideFiles(options, facts, images.agent);
  const works = await Promise.all(
    links.map(async (link, index): Promise<HostWork> => {
      const file = files[link.name];
      const agentImage = images.agent[link.name];
      if (file === undefined || agentImage === undefined)
        throw new SeawallError('bug', `no file for ${link.name}`);
      const bodies = await hostBodies(link, file, { agent: agentImage, edge: images.edge[link.name] }, parts);
      const isFileCurrent = isDeepStrictEqual(facts[index]?.cluster, JSON.parse(JSON.stringify(file)));
      return { link, file, bodies, agentImage, isFileCurrent, done: [] };
    }),
  );
  return bringUp(options, works, images.agentReference);
}

async function bringUp(
  options: SetupOptions,
  works: readonly HostWork[],
  agentReference: string,
): Promise<SetupResult> {
  const { links, report, signal } = options;
  const place = works[0]?.file.catalog;
  const home = works.find(({ link }) => link.name === place?.host);
  const [cluster] = works.map(({ file }) => file);
  if (cluster === undefined) throw new SeawallError('input', 'there are no hosts to set up');
  await Promise.all(works.map((work) => startLinkProgram(work, options)));
  await Promise.all(works.map((work) => startServers(work, options)));
  const client = await openCatalog(cluster, links);
  try {
    const what = { report, signal, client };
    await waitForCatalog(what, cluster.catalog.host);
    await publishHosts(client, cluster, signal);
    await Promise.all(works.map((work) => startAgent(work, options)));
    await waitForAgents(
      what,
      cluster,
      works.map(({ link }) => link.name),
    );
    // One edge after the other: while one is made anew, the others serve.
    for (const work of works) await startEdge(work, options, client);
    for (const { link, done } of works) {
      if (done.length > 0) await removeOldAgentImages(link.docker, agentReference, { signal });
    }
  } finally {
    client.close();
  }
  return {
    cluster: home?.file ?? cluster,
    done: Object.fromEntries(works.map(({ link, done }) => [link.name, done])),
  };
}

async function bringImages(
  options: SetupOptions,
): Promise<{ readonly agent: HostIds; readonly edge: HostIds; readonly agentReference: string }> {
  const { links, config, operator, dockerConfig, report, signal, agentSource } = options;
  const context = {
    links: new Map(links.map((link) => [link.name, link])),
    ...(operator === undefined ? {} : { operator }),
    dockerConfig,
    report,
    signal,
  };
  const agent = await ensureAgentImage(agentSource, context);
  const hosts = links.filter(({ roles }) => roles.includes('edge')).map(({ name }) => name);
  const wish = { service: OWN.edge, reference: config.edge.image, pull: 'missing', hosts } as const;
  const edge =
    hosts.length === 0
      ? undefined
      : (await ensureImages([wish], { ...context, project: 'seawall' }))[OWN.edge];
  return { agent: agent.hostIds, edge: edge?.hostIds ?? {}, agentReference: agent.reference };
}

/** Where WireGuard runs in user space; it waits for its place as long as another kind of link is there. */
async function startLinkProgram(work: HostWork, { signal }: SetupOptions): Promise<void> {
  const { link, bodies, done } = work;
  if (bodies.link === undefined) return;
  const made = await ensureContainer(link.docker, OWN.linkProgram, bodies.link, {
    graceMs: stopGraceMs,
    signal,
  });
  if (made !== 'kept') done.push(`link ${made}`);
}

/** Before the agent makes another kind of link: the program would make its own device again. */
async function removeLinkProgram({ link, bodies, done }: HostWork, { signal }: SetupOptions): Promise<void> {
  if (bodies.link !== undefined || !(await findContainer(link.docker, OWN.linkProgram, { signal }))) return;
  await link.docker.stopContainer(OWN.linkProgram, stopGraceMs, { signal });
  await link.docker.removeContainer(OWN.linkProgram, { force: true, signal });
  done.push('link removed');
}

/** The file, then names (DNS) and on its host the catalog. */
async function startServers(work: HostWork, options: SetupOptions): Promise<void> {
  const { link, file, bodies, agentImage, done } = work;
  const { report, signal } = options;
  const outdated = await outdatedContainers(link.docker, bodies, signal);
  if (work.isFileCurrent && outdated.length === 0) return;
  const step = { id: `setup ${link.name} server`, title: 'cluster file and server', host: link.name };
  await reportStep(report, step, async (note) => {
    if (!work.isFileCurrent) {
      const folders = [HOST_PATH.config, HOST_PATH.state, ...Object.values(OWN_FOLDERS)];
      const content = `${JSON.stringify(file, undefined, 2)}\n`;
      await writeHostFiles(
        link.docker,
        {
          folders: folders.map((path) => ({ path, mode: folderMode(path) })),
          files: [{ path: HOST_PATH.clusterFile, content, mode: 0o600 }],
        },
        { image: agentImage, signal },
      );
      done.push('cluster file written');
    }
    const server = await ensureContainer(link.docker, OWN.server, bodies.server, {
      graceMs: stopGraceMs,
      signal,
    });
    if (server !== 'kept') done.push(`server ${server}`);
    note(done.join(', '));
  });
}

/** nginx's workers, who are not root, have logs and temporary files in the edge's folder: they must get through. */
const folderMode = (path: string): number => (path === HOST_PATH.edge ? 0o711 : 0o700);

async function startAgent(work: HostWork, options: SetupOptions): Promise<void> {
  const { link, bodies, done } = work;
  const { report, signal } = options;
  await removeLinkProgram(work, options);
  const agent = await ensureContainer(link.docker, OWN.agent, bodies.agent, { graceMs: stopGraceMs, signal });
  if (agent === 'kept') return;
  done.push(`agent ${agent}`);
  report({ kind: 'line', text: `agent ${agent}`, from: link.name });
}

async function startEdge(work: HostWork, options: SetupOptions, client: CatalogClient): Promise<void> {
  const { link, bodies, done } = work;
  const { report, signal } = options;
  if (bodies.edge === undefined) return removeEdge(work, options);
  const { edge } = bodies;
  await waitForGeneration(link, signal);
  await requireEdgePorts(work, options);
  const made = await ensureContainer(link.docker, OWN.edge, edge, { graceMs: stopGraceMs, signal });
  if (made === 'kept') return;
  done.push(`edge ${made}`);
  await waitForEdge({ report, signal, client }, link.name);
}

/** nginx would start again and again on a port that somebody else has. */
async function requireEdgePorts({ link, file }: HostWork, { signal }: SetupOptions): Promise<void> {
  if (await findContainer(link.docker, OWN.edge, { signal })) return;
  const taken = await listeningPorts(link.docker, { signal });
  const { httpsPort } = file.edge ?? defaultEdgeRules;
  for (const [port, key, other] of [
    [file.httpPort, 'http_port', 8080],
    [httpsPort, 'https_port', 8443],
  ] as const) {
    if (!taken.has(port)) continue;
    throw new SeawallError('refused', `port ${port} of ${link.name} is taken: the edge cannot listen there`, {
      where: link.name,
      hint: `See who has it: ss -ltnp 'sport = :${port}'. Stop that, or write edge: { ${key}: ${other} } in seawall.yml.`,
    });
  }
}

/** A host that lost the role no longer listens. */
async function removeEdge({ link, done }: HostWork, { signal }: SetupOptions): Promise<void> {
  if (link.roles.includes('edge') || !(await findContainer(link.docker, OWN.edge, { signal }))) return;
  await link.docker.stopContainer(OWN.edge, stopGraceMs, { signal });
  await link.docker.removeContainer(OWN.edge, { force: true, signal });
  done.push('edge removed');
}

/** Hosts of the configuration as the catalog should know them; written only where they differ. */
async function publishHosts(client: CatalogClient, cluster: ClusterFile, signal: AbortSignal): Promise<void> {
  const { value } = await client.kvList(KEY.hosts, { signal });
  const before = new Map(value.map((entry) => [entry.key, entry.value]));
  for (const host of cluster.hosts) {
    const record = JSON.stringify(host satisfies HostRecord);
    if (before.get(KEY.host(host.name)) !== record)
      await client.kvPut(KEY.host(host.name), record, { signal });
  }
  const { value: known } = await client.kvGet(KEY.cluster, { signal });
  if (known === undefined) await client.kvPut(KEY.cluster, JSON.stringify({ id: cluster.id }), { signal });
}
