import { type Instance, META } from '../catalog/record.ts';
import type { Desired } from '../compose/desired.ts';
import { sha256 } from '../hash.ts';
import { type HostLink, readClusterFile } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { catalogServiceName } from '../names.ts';
import type { MixedRelease } from '../plan/index.ts';
import type { CertificateStatus } from '../rollout/index.ts';
import type { CatalogReplica, ContainerRow } from './ps-view.ts';

/** The project's containers on the hosts, stopped ones too; of one-offs only those that run. */
export async function readContainers(
  links: readonly HostLink[],
  project: string,
  signal: AbortSignal,
): Promise<ContainerRow[]> {
  const found = await Promise.all(
    links.map(async (link) => {
      const containers = await link.docker.listContainers({
        all: true,
        labels: [`${LABEL.project}=${project}`],
        signal,
      });
      return containers
        .filter(({ Labels, State }) => Labels[LABEL.kind] === 'replica' || State === 'running')
        .map((container): ContainerRow => {
          const { Labels: labels } = container;
          const endpoints = Object.values(container.NetworkSettings?.Networks ?? {});
          return {
            id: container.Id,
            container: (container.Names[0] ?? container.Id).replace(/^\//, ''),
            host: link.name,
            kind:
              labels[LABEL.kind] === 'replica'
                ? 'replica'
                : labels[LABEL.kind] === 'task'
                  ? 'task'
                  : 'oneoff',
            service: labels[LABEL.service] ?? '',
            replica: Number(labels[LABEL.replica] ?? 0),
            release: Number(labels[LABEL.release] ?? 0),
            state: container.State,
            status: container.Status,
            createdAt: new Date(container.Created * 1000).toISOString(),
            address: endpoints.map(({ IPAddress }) => IPAddress).find((address) => address !== '') ?? null,
          };
        });
    }),
  );
  return found.flat();
}

/** How long the catalog may take: what Docker says is enough when it does not answer. */
const CATALOG_TIMEOUT_MS = 3_000;

/** What the catalog knows of a project. */
export interface CatalogView {
  readonly replicas: readonly CatalogReplica[];
  /** What the release in force asks for; absent before the first. */
  readonly inForce?: Desired;
  /** The newest release, when it runs beside the one in force. */
  readonly mixed?: MixedRelease;
  /** Of the project's routes. */
  readonly certificates: readonly CertificateStatus[];
}

/** Undefined when there is no catalog or it does not answer. */
export async function readCatalog(
  links: readonly HostLink[],
  desired: Desired,
  signal: AbortSignal,
): Promise<CatalogView | undefined> {
  try {
    const { openCatalog, readCertificates, readStanding } = await import('../rollout/index.ts');
    const files = await Promise.all(links.map((link) => readClusterFile(link, { signal })));
    const cluster = files.find((file) => file !== undefined);
    if (cluster === undefined) return undefined;
    const client = await openCatalog(cluster, links);
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(CATALOG_TIMEOUT_MS)]);
      const standing = await readStanding(client, cluster, desired.project, limited);
      const services = new Set([
        ...Object.keys(desired.services),
        ...Object.keys(standing.inForce?.services ?? {}),
      ]);
      const names = [...services].map((name) => catalogServiceName(desired.project, name, sha256));
      const answers = await Promise.all(
        names.map((name) => client.serviceInstances(name, { signal: limited })),
      );
      const replicas = answers.flatMap(({ value }) => value.map(catalogReplica));
      const all = await readCertificates(client, limited);
      const certificates = all.filter(({ projects }) => projects.includes(desired.project));
      return { replicas, certificates, ...standing };
    } finally {
      client.close();
    }
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function catalogReplica({ id, host, meta, status, draining, output, address }: Instance): CatalogReplica {
  return {
    ...{ id: meta[META.container] ?? '', host, status, draining, output, address },
    container: id.split(':')[1] ?? '',
    service: meta[META.service] ?? '',
    replica: Number(meta[META.replica] ?? 0),
    release: Number(meta[META.release] ?? 0),
  };
}
