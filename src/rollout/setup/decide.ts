import { type ClusterFile, type ClusterHost, newestFile } from '../../cluster.ts';
import type { Config } from '../../config/index.ts';
import { SeawallError } from '../../errors.ts';
import { filedRules } from './edge-rules.ts';
import type { SettledLink } from './link.ts';
import { filedMetrics } from './metrics-rules.ts';

/** What stands on a host before a setup. */
export interface FoundCluster {
  readonly host: string;
  readonly file?: ClusterFile | undefined;
}

/** Random parts of a new cluster. */
export interface FreshCluster {
  readonly id: string;
  /** 32 bytes, base64. */
  readonly key: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly token: string;
}

export interface DecideInput {
  readonly config: Pick<Config, 'hosts' | 'edge' | 'metrics' | 'settledBy'>;
  /** CIDR; that of the cluster which exists. */
  readonly range: string;
  readonly link: SettledLink;
  readonly found: readonly FoundCluster[];
  /** Hosts that the catalog knows, also those that are not in the configuration. */
  readonly known: readonly ClusterHost[];
  /** Highest number that a host which left has had; 0 or absent when none left. */
  readonly lastNumber?: number | undefined;
  readonly fresh: FreshCluster;
  readonly privateAddress: (range: string, number: number) => string;
}

/** Port of the embedded catalog: Consul's own for HTTPS. */
const catalogPort = 8501;

/**
 * The cluster file of every configured host: that of the cluster which one of them is in already, else of a new one.
 * Hosts that join get numbers nobody ever had.
 * @throws SeawallError `refused` when hosts belong to two clusters, or one is known by another name.
 */
export function decideCluster(input: DecideInput): Readonly<Record<string, ClusterFile>> {
  const { config, found, range, link } = input;
  const existing = oneCluster(found);
  refuseRenamed(found);
  const hosts = numberHosts(input, range);
  const place = existing?.catalog ?? newCatalog(input, hosts);
  const shared = {
    version: 1,
    id: existing?.id ?? input.fresh.id,
    key: existing?.key ?? input.fresh.key,
    range,
    link: link.kind,
    ...(link.port === undefined ? {} : { linkPort: link.port }),
    catalog: place,
    hosts,
    httpPort: config.edge.httpPort,
    ...filedRules(config.edge.rules),
    ...filedMetrics(config.metrics),
    ...filedOwners(config),
  } as const;
  return Object.fromEntries(
    hosts
      .filter((host) => config.hosts.some(({ name }) => name === host.name))
      .map((host) => [host.name, { ...shared, ...programOf(link, host), host }]),
  );
}

/** Who set what; the image only when somebody did, so that Seawall's own choice moves on with its versions. */
function filedOwners({
  edge,
  settledBy = {},
}: Pick<Config, 'edge' | 'settledBy'>): Pick<ClusterFile, 'settledBy' | 'edgeImage'> {
  if (Object.keys(settledBy).length === 0) return {};
  return { settledBy, ...(settledBy['edge.image'] === undefined ? {} : { edgeImage: edge.image }) };
}

const programOf = ({ inUserSpace }: SettledLink, { name }: ClusterHost) =>
  inUserSpace.includes(name) ? { isLinkInUserSpace: true } : {};

/** The cluster that hosts are in; @throws SeawallError `refused` when there are several. */
export function oneCluster(found: readonly FoundCluster[]): ClusterFile | undefined {
  const carriers = found.filter((each) => each.file !== undefined);
  const ids = [...new Set(carriers.map(({ file }) => file?.id))];
  if (ids.length > 1) {
    const parts = ids.map((id) => {
      const names = carriers.filter(({ file }) => file?.id === id).map(({ host }) => host);
      return `${names.join(', ')} (${id?.slice(0, 8)})`;
    });
    throw new SeawallError('refused', `these hosts belong to different clusters: ${parts.join(' and ')}`, {
      hint: 'A host is in one cluster. Take the foreign one out of seawall.yml, or out of its cluster with its own seawall.yml: seawall machine rm HOST',
    });
  }
  const files = carriers.flatMap(({ file }) => (file === undefined ? [] : [file]));
  const [first, ...rest] = files;
  if (first === undefined) return undefined;
  // The one with the most hosts was written last; the catalog may have moved since.
  const largest = rest.reduce((best, file) => (file.hosts.length > best.hosts.length ? file : best), first);
  return { ...largest, catalog: (newestFile(files) ?? largest).catalog };
}

function refuseRenamed(found: readonly FoundCluster[]): void {
  for (const { host, file } of found) {
    if (file === undefined || file.host.name === host) continue;
    throw new SeawallError('refused', `the cluster knows host ${host} as ${file.host.name}`, {
      where: `hosts.${host}`,
      hint: `Call it ${file.host.name} in seawall.yml again; a host keeps its name.`,
    });
  }
}

function numberHosts(
  { config, found, known, link, lastNumber = 0, privateAddress }: DecideInput,
  range: string,
): ClusterHost[] {
  const filed = found.flatMap(({ file }) => file?.hosts ?? []);
  // The file of a host that did not hear of a removal still names what the catalog has forgotten.
  const isGone = ({ name }: ClusterHost) =>
    known.length > 0 && ![...known, ...config.hosts].some((host) => host.name === name);
  const before = new Map<string, ClusterHost>();
  for (const host of [...filed.filter((each) => !isGone(each)), ...known]) before.set(host.name, host);
  let last = Math.max(lastNumber, ...[...filed, ...known].map(({ number }) => number));
  for (const { name, address, roles, labels } of config.hosts) {
    const number = before.get(name)?.number ?? last + 1;
    last = Math.max(last, number);
    const publicKey = link.keys[name];
    before.set(name, {
      ...{ name, number, address, privateAddress: privateAddress(range, number), roles, labels },
      ...(publicKey === undefined ? {} : { publicKey }),
    });
  }
  return [...before.values()].sort((a, b) => a.number - b.number);
}

function newCatalog({ config, fresh }: DecideInput, hosts: readonly ClusterHost[]): ClusterFile['catalog'] {
  const first = config.hosts.find(({ roles }) => roles.includes('edge')) ?? config.hosts[0];
  const host = hosts.find(({ name }) => name === first?.name);
  if (host === undefined) throw new SeawallError('input', 'seawall.yml names no hosts', { where: 'hosts' });
  const { certificate, privateKey, token } = fresh;
  return { host: host.name, address: host.privateAddress, port: catalogPort, certificate, privateKey, token };
}
