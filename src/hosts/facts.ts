import { type ClusterFile, HOST_PATH, OWN } from '../cluster.ts';
import { SeawallError } from '../errors.ts';
import { LABEL } from '../labels.ts';
import type { HostLink } from './connect.ts';
import type { ContainerInfo } from './docker-types.ts';
import { readContainerFile } from './host-files.ts';
import { findContainer } from './own-container.ts';

/** What is known of a host and of Seawall on it. */
export interface HostFacts {
  readonly name: string;
  /** Docker's version, such as `28.5.2`. */
  readonly engine: string;
  /** Negotiated API version. */
  readonly apiVersion: string;
  /** Such as `linux/amd64`. */
  readonly platform: string;
  /** Such as `Debian GNU/Linux 13 (trixie)`. */
  readonly operatingSystem: string;
  readonly storageDriver: string;
  readonly imageStore: 'classic' | 'containerd';
  readonly isRootless: boolean;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Where Docker keeps its data; absent when the host does not tell. */
  readonly disk?: { readonly path: string; readonly totalBytes: number; readonly freeBytes: number };
  /** The host's clock minus this machine's; correct to `uncertaintyMs` either way. For people only. */
  readonly clock?: { readonly skewMs: number; readonly uncertaintyMs: number };
  /** Absent: `machine setup` has not been here, or its server's container is gone. */
  readonly cluster?: ClusterFile;
  readonly own: Readonly<Record<'agent' | 'server' | 'edge', OwnContainerFacts | undefined>>;
}

export interface OwnContainerFacts {
  readonly id: string;
  readonly state: string;
  /** `healthy`, `unhealthy`, `starting`; absent without a health check. */
  readonly health?: string;
  readonly image: string;
  readonly imageId: string;
  /** {@link LABEL.config} */
  readonly config: string;
  readonly startedAt: string;
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Looks at a host. Changes nothing; throws when Docker does not answer. */
export async function readFacts(link: HostLink, options: CallOptions = {}): Promise<HostFacts> {
  const { docker, name } = link;
  const info = await docker.info(options);
  const [version, apiVersion, shell, cluster, agent, server, edge] = await Promise.all([
    docker.version(options),
    docker.apiVersion(options),
    askShell(link, info.DockerRootDir, options),
    readClusterFile(link, options),
    ...[OWN.agent, OWN.server, OWN.edge].map((own) => findContainer(docker, own, options)),
  ]);
  const isContainerd = (info.DriverStatus ?? []).some(([, value]) =>
    value.startsWith('io.containerd.snapshotter'),
  );
  return {
    name,
    engine: info.ServerVersion,
    apiVersion,
    platform: `${version.Os}/${version.Arch}`,
    operatingSystem: info.OperatingSystem,
    storageDriver: info.Driver,
    imageStore: isContainerd ? 'containerd' : 'classic',
    isRootless: (info.SecurityOptions ?? []).some((option) => option.startsWith('name=rootless')),
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    ...(shell.disk === undefined ? {} : { disk: { path: info.DockerRootDir, ...shell.disk } }),
    ...(shell.clock === undefined ? {} : { clock: shell.clock }),
    ...(cluster === undefined ? {} : { cluster }),
    own: { agent: ownFacts(agent), server: ownFacts(server), edge: ownFacts(edge) },
  };
}

/** Throws `refused` for an engine on which Seawall cannot keep its promises. */
export function refuseUnfit(facts: Pick<HostFacts, 'isRootless' | 'platform'>, name: string): void {
  if (facts.isRootless) {
    throw new SeawallError('refused', 'Docker runs rootless there', {
      where: name,
      hint: "Seawall needs the host's network and firewall: install Docker system-wide and remove DOCKER_HOST.",
    });
  }
  if (!facts.platform.startsWith('linux/')) {
    throw new SeawallError('refused', `Docker there runs ${facts.platform} containers; Seawall needs Linux`, {
      where: name,
    });
  }
}

/**
 * `/etc/seawall/cluster.json` of a host as its server's container sees it; `undefined` without one.
 * @throws SeawallError `refused` when the file cannot be understood.
 */
export async function readClusterFile(
  link: Pick<HostLink, 'docker' | 'name'>,
  options: CallOptions = {},
): Promise<ClusterFile | undefined> {
  // Not through the agent: engine 28 cannot copy out of a container with a mount below /var/run, a symbolic link.
  const text = await readContainerFile(link.docker, OWN.server, HOST_PATH.clusterFile, options);
  return text === undefined ? undefined : parseClusterFile(text, link.name);
}

/** Reads the text of a cluster file. */
export function parseClusterFile(text: string, host: string): ClusterFile {
  const hint = `Look at ${HOST_PATH.clusterFile} on ${host}; another version of Seawall may have written it.`;
  try {
    const file = JSON.parse(text) as ClusterFile;
    if (file.version === 1 && typeof file.id === 'string') return file;
  } catch (cause) {
    throw new SeawallError('refused', 'the cluster file is damaged', { where: host, hint, cause });
  }
  throw new SeawallError('refused', 'the cluster file is of an unknown version', { where: host, hint });
}

function ownFacts(info: ContainerInfo | undefined): OwnContainerFacts | undefined {
  if (info === undefined) return undefined;
  const health = info.State.Health?.Status;
  return {
    id: info.Id,
    state: info.State.Status,
    ...(health === undefined || health === 'none' ? {} : { health }),
    image: info.Config.Image,
    imageId: info.Image,
    config: info.Config.Labels?.[LABEL.config] ?? '',
    startedAt: info.State.StartedAt,
  };
}

/** `$1`: Docker's data folder, which other users than root may not see into; its filesystem they may ask for. */
const factsScript = 'date +%s%N; df -Pk "$1" 2>/dev/null; exit 0';

async function askShell(
  link: HostLink,
  dataFolder: string,
  options: CallOptions,
): Promise<Pick<HostFacts, 'clock'> & { disk?: { totalBytes: number; freeBytes: number } }> {
  const before = Date.now();
  const result = await link
    .exec(['sh', '-c', factsScript, 'sh', dataFolder], options)
    .catch((error: unknown) => {
      options.signal?.throwIfAborted();
      // A login that may forward but not run commands is enough for everything else.
      if (error instanceof SeawallError) return undefined;
      throw error;
    });
  const after = Date.now();
  if (result === undefined) return {};
  return { ...parseClock(result.stdout, before, after), ...parseDisk(result.stdout) };
}

/** The first line of `date +%s%N`, taken between two readings of this machine's clock (ms). */
export function parseClock(output: string, before: number, after: number): Pick<HostFacts, 'clock'> {
  const nanoseconds = /^(\d{16,})$/m.exec(output)?.[1];
  if (nanoseconds === undefined) return {};
  const there = Number(BigInt(nanoseconds) / 1_000_000n);
  const uncertaintyMs = Math.ceil((after - before) / 2);
  return { clock: { skewMs: Math.round(there - (before + after) / 2), uncertaintyMs } };
}

/** The line of `df -Pk` (POSIX: 1024-byte blocks; total, used, available). */
export function parseDisk(output: string): { disk?: { totalBytes: number; freeBytes: number } } {
  const match = /^\S.*?\s(\d+)\s+\d+\s+(\d+)\s+\d+%\s/m.exec(output);
  if (match === null) return {};
  return { disk: { totalBytes: Number(match[1]) * 1024, freeBytes: Number(match[2]) * 1024 } };
}
