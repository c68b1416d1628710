/** What stands in the catalog and under which key. Everything of Seawall's own lies below `seawall/`. */
import type { RouteTls, UpstreamTls } from '../compose/desired.ts';

/** A host of the cluster. */
export interface HostRecord {
  readonly name: string;
  /** 1 … 255; decides the host's range. Never given twice. */
  readonly number: number;
  /** Address that the other hosts' links reach. */
  readonly address: string;
  /** The host's own address in the private network: the first of its range. */
  readonly privateAddress: string;
  readonly roles: readonly HostRole[];
  readonly labels: Readonly<Record<string, string>>;
  /** WireGuard's public key, base64; absent while the link is another. */
  readonly publicKey?: string;
}

export type HostRole = 'app' | 'edge';

/** Blocks of a host's range that networks occupy: block number → `PROJECT/NETWORK` and whether it is internal. */
export interface SubnetRecord {
  readonly host: string;
  readonly blocks: Readonly<
    Record<string, { readonly project: string; readonly network: string; readonly internal: boolean }>
  >;
}

/** A route as the edges serve it; written per project. */
export interface RouteRecord {
  /** Project that wrote the route: of instances that Seawall started only this project's serve it. */
  readonly project: string;
  readonly domain: string;
  readonly path: string;
  readonly catalogService: string;
  readonly port: number;
  /** `off`: plain HTTP. */
  readonly tls: 'off' | RouteTls;
  /** How replicas are spoken to; absent: plain HTTP. */
  readonly upstreamTls?: UpstreamTls;
  readonly bodyLimitBytes: number;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly upstreamKeepaliveMs: number;
}

/**
 * What an edge or a resolver has in force. Bound to its session, so the record vanishes with its writer: no record,
 * nobody there to acknowledge.
 */
export interface Acknowledgement {
  /** Which configuration; rises. */
  readonly generation: number;
  /** Edges: project → SHA-256 of the JSON of its `seawall/routes/PROJECT` entry that is in force. Resolvers: empty. */
  readonly routes: Readonly<Record<string, string>>;
  /** Catalog service → addresses (`10.208.17.2:8000`; resolvers: without port) that get new requests. Sorted. */
  readonly services: Readonly<Record<string, readonly string[]>>;
  /**
   * Addresses that are out of `services` but may still be used: connections of nginx workers of an earlier
   * generation. `requests` counts those that are no upgraded connections; -1: not known yet.
   */
  readonly lingering: Readonly<Record<string, { readonly requests: number; readonly upgraded: number }>>;
  /** Last probe of addresses that are not in force though healthy in the catalog: why not. */
  readonly problems: Readonly<Record<string, string>>;
}

/** One instance of a service as consumers see it, folded from Consul's node, service and checks. */
export interface Instance {
  /** Unique in the cluster: `HOST:CONTAINERNAME:PORT`. */
  readonly id: string;
  /** Name in the catalog. */
  readonly service: string;
  readonly host: string;
  readonly address: string;
  /** 0: the instance has no known port (a worker). */
  readonly port: number;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly status: 'passing' | 'warning' | 'critical';
  /** Output of the worst check. */
  readonly output: string;
  /** A maintenance check stands on it: no new requests. */
  readonly draining: boolean;
}

/** Keys of {@link Instance.meta} that Seawall's registrar writes. */
export const META = {
  project: 'seawall-project',
  service: 'seawall-service',
  release: 'seawall-release',
  container: 'seawall-container',
  replica: 'seawall-replica',
  /** JSON: network name → address. */
  addresses: 'seawall-addresses',
  /** JSON: network name → names it answers to. */
  names: 'seawall-names',
  /** JSON: route (domain and path) → the replica's port for it, of the routes that were there when it was made. */
  routes: 'seawall-routes',
  /** JSON of the health rule that edges probe themselves; absent: the Docker check is enough. */
  probe: 'seawall-probe',
} as const;

/** Traffic of one project at one edge during a rollout. */
export interface TrafficRecord {
  /** Rollout id it was counted for. */
  readonly rollout: string;
  /** `true` once the last line before the rollout's end was counted. */
  readonly complete: boolean;
  readonly requests: number;
  /** Answered 5xx, or no answer from any replica. */
  readonly failed: number;
  /** Of `failed`: answered while a stop-first service was announced away. */
  readonly away: number;
  /** Upper bound in ms → requests; bounds grow by 10 %. */
  readonly histogram: Readonly<Record<string, number>>;
}

/** Written while a rollout runs, so that the edges count its traffic. */
export interface RolloutRecord {
  readonly id: string;
  readonly project: string;
  readonly domains: readonly string[];
  /** ISO time of the operator's start; edges count from when they see the record. */
  readonly startedAt: string;
  readonly ended: boolean;
  /** Catalog services that are announced away (stop-first) at the moment. */
  readonly away: readonly string[];
}

/** Who holds a project's lease. */
export interface LeaseRecord {
  readonly who: string;
  readonly from: string;
  readonly since: string;
  readonly command: string;
}

/**
 * What gets no requests on a host, by project: a release that was rolled out without the host replaced it, and the host may
 * come back with it. Registrars register it as draining; a deploy that reaches the host clears it away.
 */
export type FenceRecord = Readonly<
  Record<
    string,
    {
      /** Replicas of earlier releases than this one. */
      readonly before: number;
      /** Services that were not replaced: their volumes are there. */
      readonly except: readonly string[];
    }
  >
>;

/** Whether an entry of a host is behind the host's fence. `meta`: of the instance. */
export function isFenced(fence: FenceRecord | undefined, meta: Instance['meta']): boolean {
  const rule = fence?.[meta[META.project] ?? ''];
  const release = Number(meta[META.release]);
  return rule !== undefined && release < rule.before && !rule.except.includes(meta[META.service] ?? '');
}

/** One deployed state of a project. `sealed` is the packed Desired with image ids, AES-256-GCM under the cluster key. */
export interface ReleaseRecord {
  readonly project: string;
  readonly number: number;
  readonly createdAt: string;
  readonly who: string;
  /**
   * `pending` while its rollout runs; `good` served everywhere; `failed` was rolled back; `mixed` runs beside the release
   * before, because a `failure_action` says so or the way back failed.
   */
  readonly status: 'pending' | 'good' | 'failed' | 'mixed';
  /** With `mixed`: why. */
  readonly problem?: string;
  readonly endedAt?: string;
  /** Service → image id (configuration digest). */
  readonly images: Readonly<Record<string, string>>;
  /** Tasks that ran to success in this release's deploy. */
  readonly tasks: readonly string[];
  readonly note: string;
  readonly sealed: string;
}

/** Consul check that marks an instance as draining; Consul's own name for service maintenance. */
export const maintenanceCheckId = (serviceId: string): string => `_service_maintenance:${serviceId}`;

/**
 * Keys. Project, host and network names are `[A-Za-z0-9_.-]`, so they stand in keys as they are. A long value is packed
 * (`packValue` in `src/packed.ts`).
 */
export const KEY = {
  cluster: 'seawall/cluster',
  hosts: 'seawall/hosts/',
  host: (name: string) => `seawall/hosts/${name}`,
  /** Bound to the agent's session. */
  alives: 'seawall/alive/',
  alive: (host: string) => `seawall/alive/${host}`,
  subnets: 'seawall/subnets/',
  subnet: (host: string) => `seawall/subnets/${host}`,
  routes: 'seawall/routes/',
  /** JSON array of RouteRecord. */
  route: (project: string) => `seawall/routes/${project}`,
  edgeAcks: 'seawall/ack/edge/',
  edgeAck: (host: string) => `seawall/ack/edge/${host}`,
  namesAcks: 'seawall/ack/names/',
  namesAck: (host: string) => `seawall/ack/names/${host}`,
  /** JSON {@link import('./tls-record.ts').TlsAcknowledgement}. */
  tlsAcks: 'seawall/ack/tls/',
  tlsAck: (host: string) => `seawall/ack/tls/${host}`,
  /** JSON {@link import('./tls-record.ts').KeptAcknowledgement}. */
  keptAcks: 'seawall/ack/kept/',
  keptAck: (host: string) => `seawall/ack/kept/${host}`,
  /** JSON array of {@link import('./tls-record.ts').CertificateWish}; `_manual` is no project: those that nobody's routes name. */
  wishes: 'seawall/certs/wishes/',
  wish: (project: string) => `seawall/certs/wishes/${project}`,
  liveCertificates: 'seawall/certs/live/',
  liveCertificate: (id: string) => `seawall/certs/live/${id}`,
  certificateStates: 'seawall/certs/state/',
  certificateState: (id: string) => `seawall/certs/state/${id}`,
  certificateRequests: 'seawall/certs/requests/',
  certificateRequest: (id: string) => `seawall/certs/requests/${id}`,
  /** ACME challenge token → key authorization, as every edge answers it. */
  challengeAnswers: 'seawall/certs/answers/',
  challengeAnswer: (token: string) => `seawall/certs/answers/${token}`,
  /** Who orders certificates: a session's lock, a {@link LeaseRecord}. */
  certificateLeader: 'seawall/certs/leader',
  /** By SHA-256 of the directory's address. */
  acmeAccount: (directoryHash: string) => `seawall/acme/accounts/${directoryHash}`,
  /** The private CA: its certificates and sealed keys; what it issued by serial number; its revocation list. */
  authority: 'seawall/ca/authority',
  issuedByAuthority: 'seawall/ca/issued/',
  issued: (serial: string) => `seawall/ca/issued/${serial}`,
  revocationList: 'seawall/ca/crl',
  /** Of the root: what it revoked of intermediates, nothing; who checks a whole chain asks for it. */
  rootRevocationList: 'seawall/ca/root-crl',
  lease: (project: string) => `seawall/leases/${project}`,
  allReleases: 'seawall/releases/',
  releases: (project: string) => `seawall/releases/${project}/`,
  release: (project: string, number: number) => `seawall/releases/${project}/${number}`,
  rollouts: 'seawall/rollouts/',
  rollout: (project: string) => `seawall/rollouts/${project}`,
  allTraffics: 'seawall/traffic/',
  traffics: (project: string) => `seawall/traffic/${project}/`,
  traffic: (project: string, edge: string) => `seawall/traffic/${project}/${edge}`,
  allVolumes: 'seawall/volumes/',
  /** JSON `{ host }`: where a named volume lives, so that its host's absence is noticed. */
  volumes: (project: string) => `seawall/volumes/${project}/`,
  volume: (project: string, dockerName: string) => `seawall/volumes/${project}/${dockerName}`,
  /** JSON {@link FenceRecord}. */
  fence: (host: string) => `seawall/fences/${host}`,
  /** JSON: `{ address: ISO time }` of addresses that not everybody has dropped. */
  quarantine: (host: string) => `seawall/quarantine/${host}`,
} as const;
