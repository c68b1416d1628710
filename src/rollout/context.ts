import type { CatalogClient } from '../catalog/index.ts';
import type { HostRecord } from '../catalog/record.ts';
import type { ClusterFile } from '../cluster.ts';
import type { Desired } from '../compose/desired.ts';
import type { HostLink } from '../hosts/index.ts';
import type { Report } from '../progress.ts';

/** What every part of a rollout works with. */
export interface RolloutContext {
  readonly desired: Desired;
  /** Release whose containers are made. */
  readonly release: number;
  readonly cluster: ClusterFile;
  readonly client: CatalogClient;
  readonly links: ReadonlyMap<string, HostLink>;
  /** Hosts of the cluster as the catalog knows them, that have to agree to changes. */
  readonly hosts: readonly HostRecord[];
  /** Hosts that do not answer and are left out: they may still know addresses. */
  readonly absent: readonly string[];
  /** Service → image reference and id as every host holds it. */
  readonly images: Readonly<Record<string, { readonly reference: string; readonly id: string }>>;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Four letters or digits that make a container's name its own. */
  readonly suffix: () => string;
  readonly drains: DrainLog;
  /** Says which services are announced away while a stop-first swap runs; the edges count their failures apart. */
  readonly announceAway: (service: string, away: boolean) => Promise<void>;
  /** Only for the proof that acknowledgements matter: swaps do not wait for anybody. */
  readonly withoutAcknowledgement: boolean;
}

/** What drains came to, for the traffic line. */
export interface DrainLog {
  replicas: number;
  longestMs: number;
  socketsCut: number;
}

export const edgeHosts = (hosts: readonly HostRecord[]): string[] =>
  hosts.filter((host) => host.roles.includes('edge')).map((host) => host.name);
