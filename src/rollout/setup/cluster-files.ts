import { randomBytes, randomUUID } from 'node:crypto';
import { type CatalogClient, makeCatalogCertificate, parseEntry } from '../../catalog/index.ts';
import { type HostRecord, KEY } from '../../catalog/record.ts';
import { type ClusterFile, type ClusterHost, HOST_PATH } from '../../cluster.ts';
import { SeawallError } from '../../errors.ts';
import { type HostFacts, parseClusterFile, readHostFile } from '../../hosts/index.ts';
import { freshestSnapshot } from '../promotion/choose.ts';
import { surveyHosts } from '../promotion/survey.ts';
import { openCatalog } from '../session.ts';
import { decideCluster, type FoundCluster, oneCluster } from './decide.ts';
import { decideRange, type Occupied } from './decide-range.ts';
import type { ClusterNote } from './forget-host.ts';
import { settleLink } from './link.ts';
import { occupiedOn } from './occupied.ts';
import type { SetupOptions } from './setup.ts';

/** Host → id of an image in its own store. */
export type HostIds = Readonly<Record<string, string>>;

type Options = Pick<SetupOptions, 'config' | 'links' | 'parts' | 'signal'>;

/**
 * The cluster file of every host at hand: looks at what the hosts have and can, asks the catalog who else there is, and
 * decides range and link.
 */
export async function decideFiles(
  options: Options,
  facts: readonly HostFacts[],
  agentImages: HostIds,
): Promise<Readonly<Record<string, ClusterFile>>> {
  const { links, config, signal, parts } = options;
  const found = await Promise.all(
    links.map(async (link, index) => {
      const fact = facts[index];
      if (fact?.cluster !== undefined) return { host: link.name, file: fact.cluster };
      // Without a server to look through, an earlier setup may still have been here.
      const image = agentImages[link.name] ?? '';
      const text = await readHostFile(link.docker, HOST_PATH.clusterFile, { image, signal });
      return { host: link.name, file: text === undefined ? undefined : parseClusterFile(text, link.name) };
    }),
  );
  const existing = oneCluster(found);
  if (existing !== undefined) await refuseLostCatalog(existing, found, options);
  const { known, lastNumber } =
    existing === undefined ? { known: [], lastNumber: 0 } : await knownHosts(existing, options);
  const fresh = {
    id: randomUUID(),
    key: randomBytes(32).toString('base64'),
    ...(await makeCatalogCertificate()),
  };
  const everyone = known.length > 0 ? known : (existing?.hosts ?? []);
  const link = await settleLink({
    ...{ config: config.network, links, known: everyone, former: existing, images: agentImages, signal },
  });
  const { privateAddress } = parts;
  const range = decideRange({
    wish: config.network.range,
    existing: existing?.range,
    addresses: Object.fromEntries(config.hosts.map(({ name, address }) => [name, address])),
    occupied: await occupiedOnNew(found, options, agentImages),
  });
  return decideCluster({ config, range, link, found, known, lastNumber, fresh, privateAddress });
}

/**
 * The host of the catalog came back without its disk, or as a new machine: an empty catalog in its place would make all hosts
 * forget what they serve. A setup that was cut short looks the same, but no host has a snapshot then.
 */
async function refuseLostCatalog(
  existing: ClusterFile,
  found: readonly FoundCluster[],
  { links, signal }: Pick<Options, 'links' | 'signal'>,
): Promise<void> {
  const { host } = existing.catalog;
  if (!found.some((each) => each.host === host && each.file === undefined)) return;
  const freshest = freshestSnapshot(await surveyHosts(links, signal));
  if (freshest === undefined) return;
  throw new SeawallError('refused', `${host} had the cluster's catalog and has lost its data`, {
    where: host,
    hint: `Make another host the catalog first, from a snapshot that the hosts keep: seawall catalog promote ${freshest.host}`,
  });
}

/** Of hosts that are in a cluster already, all is Seawall's own. */
async function occupiedOnNew(
  found: readonly FoundCluster[],
  { links, signal }: Pick<Options, 'links' | 'signal'>,
  agentImages: HostIds,
): Promise<Readonly<Record<string, readonly Occupied[]>>> {
  const fresh = links.filter(({ name }) =>
    found.some(({ host, file }) => host === name && file === undefined),
  );
  const lists = fresh.map(
    async (link) => [link.name, await occupiedOn(link, agentImages[link.name] ?? '', signal)] as const,
  );
  return Object.fromEntries(await Promise.all(lists));
}

/** The catalog may know hosts that are in none of the files at hand. When it does not answer, the files must do. */
async function knownHosts(
  cluster: ClusterFile,
  { links, signal }: Pick<Options, 'links' | 'signal'>,
): Promise<{ readonly known: readonly ClusterHost[]; readonly lastNumber?: number | undefined }> {
  let client: CatalogClient | undefined;
  try {
    client = await openCatalog(cluster, links);
    const { value } = await client.kvList(KEY.hosts, { signal, timeoutMs: 5000 });
    const note = (await client.kvGet(KEY.cluster, { signal })).value;
    return {
      known: value.map((entry) => parseEntry<HostRecord>(entry)),
      lastNumber: note === undefined ? undefined : parseEntry<ClusterNote>(note).lastNumber,
    };
  } catch (error) {
    if (error instanceof SeawallError && error.code === 'unreachable') return { known: [] };
    throw error;
  } finally {
    client?.close();
  }
}
