import { CatalogClient, parseEntry, placeConnection } from '../catalog/index.ts';
import { type HostRecord, KEY } from '../catalog/record.ts';
import { type ClusterFile, newestFile } from '../cluster.ts';
import type { Desired } from '../compose/desired.ts';
import type { Config } from '../config/index.ts';
import { SeawallError } from '../errors.ts';
import { connectHosts, type HostFailure, type HostLink, readClusterFile } from '../hosts/index.ts';
import type { Report } from '../progress.ts';
import { presentHosts } from './absent.ts';
import { inCluster } from './in-cluster.ts';

/** What a command works on: the project, its hosts and, when they are set up, their cluster and catalog. */
export interface Session {
  readonly desired: Desired;
  readonly config: Config;
  readonly links: readonly HostLink[];
  readonly failures: readonly HostFailure[];
  readonly cluster?: ClusterFile;
  readonly client?: CatalogClient;
  /** Hosts as the catalog knows them, that have to agree to changes; empty without a catalog. */
  readonly hosts: readonly HostRecord[];
  /** Goes on without hosts that do not answer. */
  readonly skipUnreachable?: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** For the lease: what the user typed. */
  readonly command: string;
  /** Milliseconds to wait for somebody else's lease; absent: not at all. */
  readonly lockWaitMs?: number;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly desired: Desired;
  readonly config: Config;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly command: string;
  readonly lockWaitMs?: number;
  readonly skipUnreachable?: boolean;
}

/**
 * Connects to the hosts and finds their cluster. A host that does not answer is kept in `failures`; hosts of two
 * clusters are refused. Nothing is changed.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { config, signal } = options;
  const { links, failures } = await connectHosts(config.hosts, { sshConfig: config.sshConfig, signal });
  const close = async (): Promise<void> => {
    for (const link of links) link.close();
  };
  try {
    const files = await Promise.all(links.map((link) => readClusterFile(link, { signal })));
    const found = oneCluster(links, files);
    const known = { ...options, config: inCluster(config, found, options.desired.project) };
    if (!found) return { ...known, links, failures, hosts: [], close };
    const client = await openCatalog(found, links, failures);
    const hosts = await listHosts(client, links, options).catch((error: unknown) => {
      // The first call through the forwarded port: sshd may forbid that while it lets Docker's socket through.
      throw links.find(({ name }) => name === found.catalog.host)?.explainTcp?.() ?? error;
    });
    const closeAll = async (): Promise<void> => {
      client.close();
      await close();
    };
    return { ...known, links, failures, cluster: found, client, hosts, close: closeAll };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The session with the hosts as the catalog knows them now. */
export async function seenAgain(session: Session): Promise<Session> {
  return { ...session, hosts: await listHosts(clusterOf(session).client, session.links, session) };
}

async function listHosts(
  client: CatalogClient,
  links: readonly HostLink[],
  { skipUnreachable = false, signal }: Pick<SessionOptions, 'skipUnreachable' | 'signal'>,
): Promise<readonly HostRecord[]> {
  const { value } = await client.kvList(KEY.hosts, { signal });
  const hosts = value.map((entry) => parseEntry<HostRecord>(entry));
  if (!skipUnreachable) return hosts;
  return presentHosts(
    client,
    hosts,
    links.map(({ name }) => name),
    signal,
  );
}

/** The cluster that the hosts say they are of. @throws SeawallError `refused` when they name two. */
function oneCluster(
  links: readonly HostLink[],
  files: readonly (ClusterFile | undefined)[],
): ClusterFile | undefined {
  const first = files.find((file) => file !== undefined);
  const other = files.findIndex((file) => file !== undefined && file.id !== first?.id);
  // A host that was away may not know yet where the catalog is now.
  if (other === -1) return newestFile(files.filter((file) => file !== undefined));
  const home = links[files.indexOf(first)]?.name;
  throw new SeawallError('refused', `hosts ${home} and ${links[other]?.name} belong to different clusters`, {
    hint: 'A project lives in one cluster. Name hosts of one cluster in seawall.yml.',
  });
}

/** A client of the cluster's catalog, through the connection to its host. */
export async function openCatalog(
  cluster: ClusterFile,
  links: readonly HostLink[],
  failures: readonly HostFailure[] = [],
): Promise<CatalogClient> {
  const place = cluster.catalog;
  const link = links.find((each) => each.name === place.host);
  if (!link) {
    const cause = failures.find(({ name }) => name === place.host)?.error;
    const why = cause === undefined ? 'is not in seawall.yml' : `cannot be used: ${cause.message}`;
    const remedy =
      cause === undefined
        ? `Name ${place.host} in seawall.yml.`
        : (cause.hint ?? `Bring ${place.host} back.`);
    throw new SeawallError('unreachable', `the catalog is on host ${place.host}, which ${why}`, {
      hint: `${remedy} Traffic goes on without it; changes have to wait. Gone for good: seawall catalog promote HOST`,
      where: place.host,
      cause,
    });
  }
  const target = await link.forwardTcp(place.port);
  return new CatalogClient(placeConnection(place, target));
}

/**
 * The session's cluster and catalog.
 * @throws SeawallError `refused` when the hosts are not set up, `unreachable` when one that does not answer may be.
 */
export function clusterOf(session: Session): { cluster: ClusterFile; client: CatalogClient } {
  if (session.cluster && session.client) return { cluster: session.cluster, client: session.client };
  const [failure] = session.failures;
  if (failure !== undefined) throw failure.error;
  throw new SeawallError('refused', 'the hosts are not set up yet', {
    hint: 'Run: seawall machine setup (or seawall deploy)',
  });
}
