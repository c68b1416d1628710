import { SeawallError } from '../errors.ts';
import type { ContainerSummary, HostLink } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';

/** A container that Seawall started as a replica, as its host lists it. */
export interface RunningReplica {
  readonly link: HostLink;
  readonly id: string;
  /** Container name. */
  readonly name: string;
  readonly replica: number;
  readonly release: number;
  /** `none` without a health check. */
  readonly health: 'healthy' | 'unhealthy' | 'starting' | 'none';
  readonly imageId: string;
}

/** Running replicas of a service on the hosts, the best to work with first: healthy, of the newest release, lowest number. */
export async function findReplicas(
  links: readonly HostLink[],
  project: string,
  service: string,
  signal: AbortSignal,
): Promise<RunningReplica[]> {
  const labels = [`${LABEL.project}=${project}`, `${LABEL.service}=${service}`, `${LABEL.kind}=replica`];
  const found = await Promise.all(
    links.map(async (link) => {
      const containers = await link.docker.listContainers({ labels, signal });
      return containers
        .filter(({ State }) => State === 'running')
        .map((container) => replicaOf(link, container));
    }),
  );
  return found.flat().sort(compare);
}

/**
 * The replica to work with.
 * @throws SeawallError `refused` when none runs, or not the one that is asked for.
 */
export function chooseReplica(
  replicas: readonly RunningReplica[],
  service: string,
  number?: number,
): RunningReplica {
  const chosen = number === undefined ? replicas[0] : replicas.find(({ replica }) => replica === number);
  if (chosen !== undefined) return chosen;
  if (replicas.length === 0) {
    throw new SeawallError('refused', `no replica of ${service} is running`, {
      hint: `See seawall ps. A container of its own: seawall run ${service}`,
    });
  }
  const running = replicas.map(({ replica, link }) => `${replica} on ${link.name}`).join(', ');
  throw new SeawallError('refused', `no replica ${number} of ${service} is running`, {
    hint: `Running: ${running}`,
  });
}

/** What Docker's status says of the health check: `Up 3 minutes (healthy)`, `Up 2 seconds (health: starting)`. */
export function healthOf(status: string): RunningReplica['health'] {
  if (status.includes('(unhealthy)')) return 'unhealthy';
  if (status.includes('(healthy)')) return 'healthy';
  return status.includes('(health: starting)') ? 'starting' : 'none';
}

function replicaOf(link: HostLink, container: ContainerSummary): RunningReplica {
  return {
    link,
    id: container.Id,
    name: (container.Names[0] ?? container.Id).replace(/^\//, ''),
    replica: Number(container.Labels[LABEL.replica] ?? 0),
    release: Number(container.Labels[LABEL.release] ?? 0),
    health: healthOf(container.Status),
    imageId: container.ImageID,
  };
}

const HEALTH_RANK = { healthy: 0, none: 0, starting: 1, unhealthy: 2 } as const;

const compare = (a: RunningReplica, b: RunningReplica): number =>
  HEALTH_RANK[a.health] - HEALTH_RANK[b.health] ||
  b.release - a.release ||
  a.replica - b.replica ||
  (a.link.name < b.link.name ? -1 : 1);
