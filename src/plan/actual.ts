import type { Desired, DesiredCertificate, DesiredRoute } from '../compose/desired.ts';

/** What the hosts and the catalog really hold of one project: the planner's other input. JSON-serialisable. */
export interface Actual {
  /** Every configured host, by name. */
  readonly hosts: Readonly<Record<string, ActualHost>>;
  /** Routes of this project that the edges serve. */
  readonly routes: readonly PublishedRoute[];
  /** Routes of other projects of the cluster; absent: none. */
  readonly foreignRoutes?: readonly ForeignRoute[];
  /** Certificates that the project wants by the catalog, secrets as their SHA-256; absent: none. */
  readonly certificates?: readonly DesiredCertificate[];
  /** The last good release, when there is one. */
  readonly current?: { readonly release: number; readonly desired: Desired };
  /** Newest release, when its deploy did not come to an end: its operator was killed, or it is still under way. */
  readonly unfinished?: number;
  /** The newest release, when it runs beside the last good one. */
  readonly mixed?: MixedRelease;
  /** Hosts of the cluster that the project's files do not name → its replicas there: `web-2`; absent: none. */
  readonly unnamed?: Readonly<Record<string, readonly string[]>>;
  /** Docker volume name → host that the catalog remembers to hold it. */
  readonly volumeHosts: Readonly<Record<string, string>>;
}

/** A release that a `failure_action` left half way, or that failed and could not be undone. */
export interface MixedRelease {
  readonly release: number;
  readonly problem: string;
}

/** A route as published; what a {@link DesiredRoute} becomes. */
export type PublishedRoute = Omit<DesiredRoute, 'service'>;

/** What another project's route takes. */
export interface ForeignRoute {
  readonly project: string;
  readonly domain: string;
  readonly path: string;
}

export interface ActualHost {
  readonly name: string;
  readonly roles: readonly ('app' | 'edge')[];
  readonly labels: Readonly<Record<string, string>>;
  /** Why nothing is known of the host; absent when it answered. */
  readonly unreachable?: string;
  /** The user has said to go on without this host, which does not answer. */
  readonly skipped?: true;
  /** It leaves the cluster: nothing is placed on it. `force`: what cannot move goes with it. */
  readonly leaving?: 'move' | 'force';
  /** What the catalog remembers of a host that does not answer: `web-2`, `store-1`. */
  readonly unseen?: readonly string[];
  /** What to do about it, when more is known than to bring it back. */
  readonly remedy?: string;
  /** What `machine setup` would still do here; empty: the host is ready. */
  readonly setup: readonly string[];
  /** Such as `linux/amd64`. */
  readonly platform: string;
  readonly replicas: readonly ActualReplica[];
  /** Docker volume names present on the host. */
  readonly volumes: readonly string[];
}

/** A container of the project that Seawall started as a replica. */
export interface ActualReplica {
  /** Container id. */
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly service: string;
  /** 1 … n within the service. */
  readonly replica: number;
  readonly release: number;
  /** {@link import('../labels.ts').LABEL.config}. */
  readonly config: string;
  /** Docker's state: running, restarting, paused, exited, created, dead. */
  readonly state: string;
  /** Configuration digest of its image. */
  readonly imageId: string;
  /** Docker's names of the volumes that it may write to. */
  readonly writes: readonly string[];
  /** Network → address. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Marked to get no new requests: by a swap under way, or by one that was cut short. */
  readonly isDraining: boolean;
  /** It was told to stop: it still runs, and ends by itself within its grace time. */
  readonly isStopping: boolean;
  /** The catalog calls it passing. */
  readonly isHealthy: boolean;
  /** Route (domain and path) → port at which it serves that route; of the routes that were there when it was made. */
  readonly routePorts: Readonly<Record<string, number>>;
  /** ISO time. */
  readonly startedAt: string;
}
