import { type CatalogClient, parseEntry, type ServiceEntry } from '../../catalog/index.ts';
import { type HostRecord, KEY, type LeaseRecord, META } from '../../catalog/record.ts';
import { type ClusterFile, OWN } from '../../cluster.ts';
import { SeawallError } from '../../errors.ts';
import { type Connections, connectHosts, type HostLink } from '../../hosts/index.ts';
import { ownImagesOn, removeUnusedImages } from '../../images/index.ts';
import { LABEL } from '../../labels.ts';
import { reportStep } from '../../progress.ts';
import { type Evacuation, evacuate, planEvacuation } from '../evacuate.ts';
import { openCatalog, type Session } from '../session.ts';
import { endedHere, type HostContainer, refuseDeparture } from './departure.ts';
import { findClusterFile } from './find-cluster.ts';
import { forgetGone, forgetHost, notGone } from './forget-host.ts';
import { moversOf } from './movers.ts';
import type { RemovalView, RemoveHostOptions } from './removal.ts';
import { ownContainers, teardownHost } from './teardown.ts';

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
    if (link === undefined && options.gone) return await forgetGone(links, options);
    if (link === undefined) throw failure?.error ?? new SeawallError('bug', `${options.host} is nowhere`);
    if (options.gone) throw notGone(options.host);
    const leaving = await findLeaving(link, links, signal);
    client = leaving.client;
    const movers = await moversFrom(leaving, { links, failures }, options);
    const place = { name: options.host, force: options.force };
    const moves: Evacuation[] = [];
    for (const mover of movers) moves.push(await planEvacuation(mover, place));
    const view = await lookAround(leaving, options, moves);
    await refuseWhileDeploying(client, signal);
    if (!(await options.confirm(view))) throw new SeawallError('interrupted', 'nothing was changed');
    for (const mover of movers) await evacuate(mover, place);
    // Again, and strictly: somebody may have deployed meanwhile.
    await refuseWhileDeploying(client, signal);
    await lookAround(leaving, options, []);
    await takeOff(leaving, view, options);
    return view;
  } finally {
    client?.close();
    for (const each of links) each.close();
  }
}

/** A session for each project that has replicas on the host; none when the catalog goes with the host. */
async function moversFrom(
  { link, cluster, client, hosts }: Leaving,
  reached: Connections,
  options: RemoveHostOptions,
): Promise<readonly Session[]> {
  if (cluster === undefined || client === undefined) return [];
  const { host, desired, config, report, signal, command } = options;
  const labels = [`${LABEL.kind}=replica`];
  const replicas = await link.docker.listContainers({ all: true, labels, signal });
  const projects = [...new Set(replicas.flatMap(({ Labels }) => Labels[LABEL.project] ?? []))].sort();
  const parts = { host, desired, config, cluster, client, hosts, report, signal, command, ...reached };
  return moversOf(parts, projects);
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
  { signal, force }: RemoveHostOptions,
  moves: readonly Evacuation[],
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
  const moving = moves.map(({ project }) => project);
  refuseDeparture({ host, others, isCatalogHost, containers: all, networks: names, moving, force });
  return {
    host,
    ...(cluster === undefined ? {} : { cluster: cluster.id }),
    others,
    isEdge: own.includes(OWN.edge),
    containers: [...own, ...endedHere({ containers: all }).map(({ name }) => name)],
    networks: names,
    images: [...images].sort(),
    volumes: volumes.map(({ Name }) => Name).sort(),
    services: byHand(entries?.value ?? []),
    moves,
    isGone: false,
  };
}

/** Entries of containers that no project has. */
const byHand = (entries: readonly ServiceEntry[]): string[] =>
  [...new Set(entries.filter(({ meta }) => meta[META.project] === undefined).map(({ name }) => name))].sort();

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
  const { link: _link, ...known } = leaving;
  await reportStep(report, { id: `forget ${host}`, title: `forget ${host}` }, () =>
    forgetHost(client, host, known, signal),
  );
}
