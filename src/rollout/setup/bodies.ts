import { agentContainerBody, linkContainerBody, serverContainerBody } from '../../agent-container.ts';
import { type ClusterFile, OWN } from '../../cluster.ts';
import { sha256 } from '../../hash.ts';
import { type Docker, type HostLink, isContainerCurrent } from '../../hosts/index.ts';

/** Body of a container to create, as far as setup looks into it. */
export interface OwnBody {
  readonly Image: string;
  readonly Labels: Readonly<Record<string, string>>;
}

/** What setup needs of parts that it may not import: a face passes them in. */
export interface SetupParts {
  readonly edgeBody: (container: {
    readonly image: string;
    readonly cluster: string;
    readonly labels?: Readonly<Record<string, string>>;
  }) => OwnBody;
  /** A host's own address in the private network. */
  readonly privateAddress: (range: string, number: number) => string;
}

/** Label: hash of what Seawall's programs read from the cluster file only at their start. */
const fileLabel = 'seawall.cluster-file';

/**
 * The list of hosts does not count, nor does the catalog's place: the programs follow both while they run. Who set what, and the
 * edges' image, do not concern them. Nor does the order of keys, which is another one in a file that was decided than in one that was read and compared.
 */
export function fileHash(file: ClusterFile): string {
  const { hosts: _hosts, settledBy: _settledBy, edgeImage: _edgeImage, catalog, ...rest } = file;
  const { host: _host, address: _address, epoch: _epoch, ...kept } = catalog;
  const entries = Object.entries({ ...rest, catalog: kept });
  return sha256(JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)))).slice(0, 16);
}

export interface HostBodies {
  readonly agent: OwnBody;
  readonly server: OwnBody;
  /** Where WireGuard runs in user space. */
  readonly link?: OwnBody;
  /** Absent on hosts without the role. */
  readonly edge?: OwnBody;
}

/** What Seawall's own containers on a host are made of. Image ids are those of the host's own store. */
export async function hostBodies(
  link: HostLink,
  file: ClusterFile,
  images: { readonly agent: string; readonly edge: string | undefined },
  parts: SetupParts,
): Promise<HostBodies> {
  const own = {
    image: images.agent,
    cluster: file.id,
    labels: { [fileLabel]: fileHash(file) },
    sharesXtablesLock: await usesLegacyTables(link),
    hasWireguard: file.link === 'wireguard',
  };
  const edge =
    images.edge === undefined || !file.host.roles.includes('edge')
      ? undefined
      : parts.edgeBody({ image: images.edge, cluster: file.id });
  return {
    agent: agentContainerBody(own),
    server: serverContainerBody(own),
    // What it is to do it reads from the agent: of the cluster file nothing concerns it.
    ...(file.isLinkInUserSpace === true
      ? { link: linkContainerBody({ image: images.agent, cluster: file.id }) }
      : {}),
    ...(edge === undefined ? {} : { edge }),
  };
}

/** Which of Seawall's containers on a host are not as they should be. Sorted by name. */
export async function outdatedContainers(
  docker: Pick<Docker, 'inspectContainer'>,
  bodies: HostBodies,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const wanted = [
    [OWN.agent, bodies.agent],
    [OWN.edge, bodies.edge],
    [OWN.linkProgram, bodies.link],
    [OWN.server, bodies.server],
  ] as const;
  const checks = await Promise.all(
    wanted.map(async ([name, body]) =>
      body === undefined || (await isContainerCurrent(docker, name, body, { signal })) ? [] : [name],
    ),
  );
  return checks.flat();
}

/** Debian's `iptables` says which variant it is; on a host without the program Docker cannot work either way. */
async function usesLegacyTables(link: HostLink): Promise<boolean> {
  const script = 'PATH="$PATH:/usr/sbin:/sbin" iptables --version 2>/dev/null || true';
  const { stdout } = await link.exec(['sh', '-c', script]);
  return stdout.includes('legacy');
}
