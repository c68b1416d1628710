import {
  type CatalogClient,
  type CheckEntry,
  isStopping,
  type KvEntry,
  parseEntry,
} from '../catalog/index.ts';
import { KEY, META, maintenanceCheckId, type RouteRecord } from '../catalog/record.ts';
import { SeawallError } from '../errors.ts';
import type { ContainerSummary, HostLink } from '../hosts/index.ts';
import { releaseImageId } from '../images/index.ts';
import { LABEL } from '../labels.ts';
import {
  type Actual,
  type ActualHost,
  type ActualReplica,
  type ForeignRoute,
  ObstacleError,
  type PublishedRoute,
  unnamedHosts,
} from '../plan/index.ts';
import { readRoutePorts } from '../route-port.ts';
import { instancesOn } from './absent.ts';
import { openWish, readWishes } from './certificates/wishes.ts';
import { lastGood, mixedOf, openRelease, readReleases } from './release.ts';
import type { Session } from './session.ts';

/** What is asked of a host besides its containers. */
export interface HostView {
  readonly host: ActualHost;
  /** Image reference → id, of the images that the host holds. */
  readonly images: ReadonlyMap<string, string>;
}

/** What the hosts and the catalog hold of the session's project now. */
export async function readActual(
  session: Session,
  setupReasons: (link: HostLink) => Promise<readonly string[]>,
): Promise<{ actual: Actual; images: ReadonlyMap<string, ReadonlyMap<string, string>> }> {
  const { config, links, failures } = session;
  const [views, kept, unnamed] = await Promise.all([
    Promise.all(links.map((link) => viewHost(link, session, setupReasons))),
    readCatalog(session),
    readUnnamed(session),
  ]);
  const lost = await Promise.all(
    failures.map(async (failure): Promise<[string, ActualHost]> => {
      const host = config.hosts.find((each) => each.name === failure.name);
      return [
        failure.name,
        {
          name: failure.name,
          roles: host?.roles ?? [],
          labels: host?.labels ?? {},
          unreachable: failure.error.message,
          ...(failure.error.hint === undefined ? {} : { remedy: failure.error.hint }),
          ...(await unseenOn(session, failure.name)),
          setup: [],
          platform: '',
          replicas: [],
          volumes: [],
        },
      ];
    }),
  );
  const hosts = Object.fromEntries(
    [...views.map(({ host }): [string, ActualHost] => [host.name, host]), ...lost].sort(),
  );
  return {
    actual: { hosts, ...kept, ...unnamed },
    images: new Map(views.map((view) => [view.host.name, view.images])),
  };
}

/** What the catalog remembers of a host that the user goes on without. */
async function unseenOn(
  { skipUnreachable, client, desired, signal }: Session,
  host: string,
): Promise<Pick<ActualHost, 'skipped' | 'unseen'>> {
  if (!skipUnreachable) return {};
  if (!client) return { skipped: true };
  return { skipped: true, unseen: await replicasOn(client, host, desired.project, signal) };
}

/** What the catalog knows of hosts that are in the cluster and not in the files: it serves on, whatever is deployed. */
async function readUnnamed({
  client,
  config,
  hosts,
  desired,
  signal,
}: Session): Promise<Pick<Actual, 'unnamed'>> {
  const named = new Set(config.hosts.map(({ name }) => name));
  const others = hosts.filter(({ name }) => !named.has(name));
  if (!client || others.length === 0) return {};
  const found = await Promise.all(
    others.map(async ({ name }) => [name, await replicasOn(client, name, desired.project, signal)] as const),
  );
  const holding = found.filter(([, replicas]) => replicas.length > 0);
  return holding.length === 0 ? {} : { unnamed: Object.fromEntries(holding) };
}

/** The catalog's word for a project's replicas on a host, such as `web-2`. */
async function replicasOn(
  client: CatalogClient,
  host: string,
  project: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const instances = await instancesOn(client, host, project, signal);
  return [...new Set(instances.map(({ meta }) => `${meta[META.service]}-${meta[META.replica]}`))].sort();
}

async function viewHost(
  link: HostLink,
  { client, desired: { project }, signal }: Session,
  setupReasons: (link: HostLink) => Promise<readonly string[]>,
): Promise<HostView> {
  const { docker } = link;
  const [containers, volumes, images, version, setup, states] = await Promise.all([
    docker.listContainers({
      all: true,
      labels: [`${LABEL.project}=${project}`, `${LABEL.kind}=replica`],
      signal,
    }),
    docker.listVolumes({ signal }),
    docker.listImages({ signal }),
    docker.version({ signal }),
    setupReasons(link),
    containerStates(client, link.name, signal),
  ]);
  // What the releases call an image counts: containerd's store has another id for it.
  const ids = new Map(images.map(({ Id, RepoTags }) => [Id, releaseImageId(project, RepoTags ?? []) ?? Id]));
  const references = images.flatMap(({ Id, RepoTags }) =>
    (RepoTags ?? []).map((tag): [string, string] => [tag, ids.get(Id) ?? Id]),
  );
  return {
    host: {
      name: link.name,
      roles: link.roles,
      labels: link.labels,
      setup,
      platform: `${version.Os}/${version.Arch}`,
      replicas: containers
        .map((container) => replicaOf(link.name, container, states))
        .map((replica) => ({ ...replica, imageId: ids.get(replica.imageId) ?? replica.imageId }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      volumes: volumes.map((volume) => volume.Name).sort(),
    },
    images: new Map(references),
  };
}

/** Container names on a host that the catalog knows to be on their way out, and to be well. */
interface ContainerStates {
  readonly draining: ReadonlySet<string>;
  /** Of those that drain: told to stop. */
  readonly stopping: ReadonlySet<string>;
  readonly healthy: ReadonlySet<string>;
}

async function containerStates(
  client: CatalogClient | undefined,
  host: string,
  signal: AbortSignal,
): Promise<ContainerStates> {
  const checks = (await client?.nodeChecks(host, { signal }))?.value ?? [];
  const isMark = ({ id, serviceId = '' }: CheckEntry): boolean => id === maintenanceCheckId(serviceId);
  const names = (some: readonly CheckEntry[]): Set<string> =>
    new Set(some.map(({ serviceId = '' }) => serviceId.split(':')[1] ?? ''));
  const bad = names(checks.filter((check) => !isMark(check) && check.status !== 'passing'));
  const known = names(checks.filter((check) => !isMark(check) && check.serviceId !== undefined));
  return {
    draining: names(checks.filter(isMark)),
    stopping: names(checks.filter((check) => isMark(check) && isStopping(check.output))),
    healthy: new Set([...known].filter((name) => !bad.has(name))),
  };
}

function replicaOf(host: string, container: ContainerSummary, states: ContainerStates): ActualReplica {
  const { Labels: labels } = container;
  const name = (container.Names[0] ?? container.Id).replace(/^\//, '');
  const networks = Object.entries(container.NetworkSettings?.Networks ?? {});
  return {
    id: container.Id,
    name,
    host,
    service: labels[LABEL.service] ?? '',
    replica: Number(labels[LABEL.replica] ?? 0),
    release: Number(labels[LABEL.release] ?? 0),
    config: labels[LABEL.config] ?? '',
    state: container.State,
    imageId: container.ImageID,
    writes: (container.Mounts ?? []).flatMap(({ Type, Name, RW }) =>
      Type === 'volume' && RW && Name !== undefined ? [Name] : [],
    ),
    isDraining: states.draining.has(name),
    isStopping: states.stopping.has(name),
    isHealthy: states.healthy.has(name),
    routePorts: readRoutePorts(labels[LABEL.routes]),
    addresses: Object.fromEntries(
      networks.map(([name, endpoint]) => [name, endpoint.IPAMConfig?.IPv4Address ?? endpoint.IPAddress]),
    ),
    startedAt: new Date(container.Created * 1000).toISOString(),
  };
}

/** What another project has routed; what another version wrote and cannot be read here is the edges' business. */
function foreignRoutes(entry: KvEntry): ForeignRoute[] {
  try {
    return parseEntry<RouteRecord[]>(entry).map(({ project, domain, path }) => ({ project, domain, path }));
  } catch {
    return [];
  }
}

async function readCatalog(
  session: Session,
): Promise<
  Pick<
    Actual,
    'routes' | 'foreignRoutes' | 'certificates' | 'current' | 'mixed' | 'volumeHosts' | 'unfinished'
  >
> {
  const { client, cluster, desired, signal } = session;
  if (!client || !cluster) return { routes: [], volumeHosts: {} };
  const { project } = desired;
  const [routes, volumes, releases, wishes] = await Promise.all([
    client.kvList(KEY.routes, { signal }),
    client.kvList(KEY.volumes(project), { signal }),
    readReleases(client, project, signal),
    readWishes(client, project, signal),
  ]);
  const good = lastGood(releases);
  const newest = releases.at(-1);
  const own = routes.value.find(({ key }) => key === KEY.route(project));
  return {
    ...(newest?.status === 'pending' ? { unfinished: newest.number } : {}),
    routes: own === undefined ? [] : parseEntry<RouteRecord[]>(own).map(withoutProject),
    foreignRoutes: routes.value.filter((entry) => entry !== own).flatMap(foreignRoutes),
    certificates: wishes.map((wish) => openWish(cluster, wish)),
    volumeHosts: Object.fromEntries(
      volumes.value.map((entry) => [
        entry.key.slice(KEY.volumes(project).length),
        parseEntry<{ host: string }>(entry).host,
      ]),
    ),
    ...(good ? { current: { release: good.number, desired: openRelease(cluster, good) } } : {}),
    ...mixedOf(releases),
  };
}

function withoutProject({ project: _project, ...route }: RouteRecord): PublishedRoute {
  return route;
}

/** @throws ObstacleError when a host runs replicas of the project that its files do not name. */
export async function requireNamedHosts(session: Session): Promise<void> {
  const obstacles = unnamedHosts(await readUnnamed(session));
  if (obstacles.length > 0) throw new ObstacleError(obstacles);
}

/** @throws SeawallError `unreachable` naming every host that does not answer. */
export function requireAllHosts(session: Session): void {
  const [first] = session.failures;
  if (!first) return;
  const names = session.failures.map((failure) => failure.name).join(', ');
  throw new SeawallError(
    'unreachable',
    `${names} ${session.failures.length === 1 ? 'does' : 'do'} not answer: ${first.error.message}`,
    {
      hint:
        first.error.hint ??
        `Bring it back, or give it up: seawall machine rm ${first.name} --gone. Nothing was changed.`,
      where: first.name,
      cause: first.error,
    },
  );
}
