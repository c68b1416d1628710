import { type CatalogClient, parseEntry, updateRecord } from '../../catalog/index.ts';
import { type HostRecord, KEY, type LeaseRecord } from '../../catalog/record.ts';
import { type ClusterFile, HOST_PATH, OWN } from '../../cluster.ts';
import type { Config } from '../../config/index.ts';
import { SeawallError } from '../../errors.ts';
import { connectHosts, type HostLink, writeHostFiles } from '../../hosts/index.ts';
import { agentImagesOn, ownImagesOn, removeUnusedImages } from '../../images/index.ts';
import { LABEL } from '../../labels.ts';
import { type Report, reportStep } from '../../progress.ts';
import { openCatalog } from '../session.ts';
import { endedHere, type HostContainer, refuseDeparture } from './departure.ts';
import { findClusterFile } from './find-cluster.ts';
import { ownContainers, teardownHost } from './teardown.ts';

/** What leaves a host, and what stays there. */
export interface RemovalView {
  readonly host: string;
  /** Id of the cluster that it leaves; absent when none was found. */
  readonly cluster?: string;
  /** Hosts of the cluster that stay. */
  readonly others: readonly string[];
  readonly isEdge: boolean;
  /** Seawall's own, and tasks and one-offs of projects that have ended. */
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  /** Removed with `images` only. */
  readonly images: readonly string[];
  /** Volumes of projects: kept, with their data. */
  readonly volumes: readonly string[];
  /** Services that somebody started there by hand: they run on, and leave the catalog. */
  readonly services: readonly string[];
}

export interface RemoveHostOptions {
  readonly config: Pick<Config, 'hosts' | 'sshConfig'>;
  readonly host: string;
  readonly images: boolean;
  readonly confirm: (view: RemovalView) => Promise<boolean>;
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** The host that leaves, and what is known of its cluster. */
interface Leaving {
  readonly link: HostLink;
  readonly cluster: ClusterFile | undefined;
  /** Reached hosts of the same cluster, each with its file. */
  readonly stay: readonly { readonly link: HostLink; readonly file: ClusterFile }[];
  /** Absent when the catalog goes with the host. */
  readonly client: CatalogClient | undefined;
  readonly hosts: readonly HostRecord[];
}

/**
 * Takes a host out of its cluster and Seawall off the host. Safe to repeat, also after it was cut short.
 * @throws SeawallError `refused` while something needs the host, `unreachable` when it or the catalog does not answer,
 *   `locked` while somebody deploys.
 */
export async function removeHost(options: RemoveHostOptions): Promise<RemovalView> {
  const { config, signal } = options;
  const { links, failures } = await connectHosts(config.hosts, { sshConfig: config.sshConfig, signal });
  let client: CatalogClient | undefined;
  try {
    const link = links.find(({ name }) => name === options.host);
    const failure = failures.find(({ name }) => name === options.host);
    if (link === undefined) throw failure?.error ?? new SeawallError('bug', `${options.host} is nowhere`);
    const leaving = await findLeaving(link, links, signal);
    client = leaving.client;
    const view = await lookAround(leaving, options);
    await refuseWhileDeploying(client, signal);
    if (!(await options.confirm(view))) throw new SeawallError('interrupted', 'nothing was changed');
    await takeOff(leaving, view, options);
    return view;
  } finally {
    client?.close();
    for (const each of links) each.close();
  }
}

async function findLeaving(
  link: HostLink,
  links: readonly HostLink[],
  signal: AbortSignal,
): Promise<Leaving> {
  const found = await Promise.all(
    links.map(async (each) => ({ link: each, file: await findClusterFile(each, signal) })),
  );
  const carriers = found.flatMap(({ link: each, file }) =>
    file === undefined ? [] : [{ link: each, file }],
  );
  // A removal that was cut short has taken the host's own file; the others still name it.
  const cluster =
    carriers.find((each) => each.link === link)?.file ??
    carriers.find(({ file }) => file.hosts.some(({ name }) => name === link.name))?.file;
  const stay = carriers.filter((each) => each.link !== link && each.file.id === cluster?.id);
  if (cluster === undefined || cluster.catalog.host === link.name) {
    const hosts = cluster === undefined ? [] : await hostsOfOwnCatalog(cluster, link, signal);
    return { link, cluster, stay, client: undefined, hosts };
  }
  const client = await openCatalog(cluster, [link, ...stay.map((each) => each.link)]);
  try {
    return { link, cluster, stay, client, hosts: await listHosts(client, signal) };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** A catalog that does not answer any more cannot tell who else is there; then the file's list counts. */
async function hostsOfOwnCatalog(
  cluster: ClusterFile,
  link: HostLink,
  signal: AbortSignal,
): Promise<readonly HostRecord[]> {
  const client = await openCatalog(cluster, [link]);
  try {
    return await listHosts(client, signal);
  } catch (error) {
    if (!(error instanceof SeawallError) || error.code !== 'unreachable') throw error;
    return cluster.hosts;
  } finally {
    client.close();
  }
}

async function listHosts(client: CatalogClient, signal: AbortSignal): Promise<readonly HostRecord[]> {
  const { value } = await client.kvList(KEY.hosts, { signal, timeoutMs: 10_000 });
  return value.map((entry) => parseEntry<HostRecord>(entry));
}

async function lookAround(
  { link, cluster, client, hosts }: Leaving,
  { signal }: RemoveHostOptions,
): Promise<RemovalView> {
  const { docker, name: host } = link;
  const [containers, networks, volumes, images, entries] = await Promise.all([
    docker.listContainers({ all: true, signal }),
    docker.listNetworks({ filters: { label: [LABEL.network] }, signal }),
    docker.listVolumes({ filters: { label: [LABEL.project] }, signal }),
    ownImagesOn(docker, { signal }),
    client?.nodeServices(host, { signal }),
  ]);
  const all = containers.map(
    (each): HostContainer => ({
      name: (each.Names[0] ?? each.Id).replace(/^\//, ''),
      state: each.State,
      labels: each.Labels,
      networks: Object.keys(each.NetworkSettings?.Networks ?? {}),
    }),
  );
  const others = hosts.map(({ name }) => name).filter((name) => name !== host);
  const own = ownContainers(containers).map(({ Names, Id }) => (Names[0] ?? Id).replace(/^\//, ''));
  const names = networks.map(({ Name }) => Name).sort();
  const isCatalogHost = cluster?.catalog.host === host;
  refuseDeparture({ host, others, isCatalogHost, containers: all, networks: names });
  return {
    host,
    ...(cluster === undefined ? {} : { cluster: cluster.id }),
    others,
    isEdge: own.includes(OWN.edge),
    containers: [...own, ...endedHere({ containers: all }).map(({ name }) => name)],
    networks: names,
    images: [...images].sort(),
    volumes: volumes.map(({ Name }) => Name).sort(),
    services: [...new Set((entries?.value ?? []).map(({ name }) => name))].sort(),
  };
}

async function refuseWhileDeploying(client: CatalogClient | undefined, signal: AbortSignal): Promise<void> {
  const leases = await client?.kvList(KEY.lease(''), { signal });
  const held = leases?.value.find(({ session }) => session !== undefined);
  if (held === undefined) return;
  const { who, from, since, command } = parseEntry<LeaseRecord>(held);
  throw new SeawallError('locked', `${who} on ${from} changes the cluster since ${since}: ${command}`, {
    hint: 'Wait until that is done; it may place replicas on this host.',
  });
}

async function takeOff(leaving: Leaving, view: RemovalView, options: RemoveHostOptions): Promise<void> {
  const { link, client } = leaving;
  const { host, report, signal } = options;
  await reportStep(report, { id: `remove ${host}`, title: 'take Seawall off', host }, async (note) => {
    await teardownHost(link, { projects: true, signal });
    if (!options.images) return;
    note('images');
    await removeUnusedImages(link.docker, view.images, { signal });
  });
  if (client === undefined) return;
  await reportStep(report, { id: `forget ${host}`, title: `forget ${host}` }, () =>
    forget(client, leaving, signal),
  );
}

/** Takes the host out of the catalog, on which the other hosts cut their links to it, and out of their files. */
async function forget(
  client: CatalogClient,
  { link, stay, hosts }: Leaving,
  signal: AbortSignal,
): Promise<void> {
  const { name } = link;
  await updateRecord<ClusterNote>(
    client,
    KEY.cluster,
    (present) => ({
      ...present,
      lastNumber: Math.max(present?.lastNumber ?? 0, ...hosts.map(({ number }) => number)),
    }),
    { signal },
  );
  await client.deregister({ node: name }, { signal });
  for (const key of [KEY.alive, KEY.edgeAck, KEY.namesAck, KEY.subnet, KEY.quarantine, KEY.host]) {
    await client.kvDelete(key(name), { signal });
  }
  await Promise.all(
    stay.map(async ({ link: other, file }) => {
      const left = { ...file, hosts: file.hosts.filter((each) => each.name !== name) };
      const content = `${JSON.stringify(left, undefined, 2)}\n`;
      const [image] = await agentImagesOn(other.docker, { signal });
      if (image === undefined) return;
      const files = [{ path: HOST_PATH.clusterFile, content, mode: 0o600 }];
      await writeHostFiles(other.docker, { files }, { image, signal });
    }),
  );
}

/** What stands under {@link KEY.cluster}. */
export interface ClusterNote {
  readonly id?: string;
  /** Highest number that a host which left has had: no number is given twice. */
  readonly lastNumber?: number;
}
