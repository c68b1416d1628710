/** What metrics take of the catalog: the little that they show, nothing sealed. A part that is absent was not heard yet. */
import type {
  Acknowledgement,
  HostRecord,
  Instance,
  RolloutRecord,
  TrafficRecord,
} from '../catalog/record.ts';
import type {
  CertificateRecord,
  CertificateState,
  CertificateWish,
  KeptAcknowledgement,
  TlsAcknowledgement,
} from '../catalog/tls-record.ts';

/** Of an agent's sign of life. */
export interface AliveNote {
  readonly version: string;
  readonly docker: string;
  /** The host's clock, ISO. */
  readonly clock: string;
  /** Peer → `ok`, `small only`, `no answer`. */
  readonly link: Readonly<Record<string, string>>;
  readonly disk: { readonly totalBytes: number; readonly freeBytes: number };
  /** Of the edge loop; absent: the host has none, or it has not begun. */
  readonly edge?: {
    readonly oldWorkers: number;
    readonly oldWorkerBytes: number;
    readonly cutSockets: number;
  };
}

export interface AuthorityNote {
  readonly id: string;
  readonly name: string;
  /** ISO. */
  readonly rootNotAfter: string;
  readonly intermediateNotAfter: string;
}

/** Of a certificate that the private CA gave out. */
export interface IssuedNote {
  readonly serial: string;
  readonly authority: string;
  readonly names: readonly string[];
  readonly purpose: string;
  /** ISO. */
  readonly notAfter: string;
  readonly revokedAt?: string;
}

/** Of a project's releases. */
export interface ReleaseNote {
  /** The one in force; absent before the first good one. */
  readonly number?: number;
  readonly isMixed: boolean;
  /** Service → replicas that it asks for; without those that are on every host. */
  readonly wanted: Readonly<Record<string, number>>;
}

export interface ClusterParts {
  readonly hosts: readonly Pick<HostRecord, 'name' | 'roles'>[];
  readonly alives: Readonly<Record<string, AliveNote>>;
  readonly edges: Readonly<
    Record<string, Pick<Acknowledgement, 'generation' | 'lingering' | 'problems' | 'routes' | 'services'>>
  >;
  readonly edgeTls: Readonly<Record<string, Pick<TlsAcknowledgement, 'certificates' | 'problems'>>>;
  /** Host → what it keeps of certificates that edges do not serve. */
  readonly kept: Readonly<Record<string, KeptAcknowledgement>>;
  /** Project → SHA-256 of its routes' text. */
  readonly routes: Readonly<Record<string, string>>;
  /** Project (`_manual`: by hand) → what it wants. */
  readonly wishes: Readonly<
    Record<string, readonly Pick<CertificateWish, 'id' | 'names' | 'source' | 'purpose'>[]>
  >;
  readonly live: readonly (Pick<
    CertificateRecord,
    'id' | 'names' | 'source' | 'issuer' | 'isInterim' | 'notBefore' | 'notAfter'
  > & { readonly fingerprints: readonly string[] })[];
  readonly states: readonly Pick<
    CertificateState,
    'id' | 'failures' | 'nextTryAt' | 'renewAt' | 'lastError' | 'warnings'
  >[];
  /** Host that orders certificates; null: nobody does. */
  readonly leader: string | null;
  readonly authority: AuthorityNote | null;
  readonly issued: readonly IssuedNote[];
  /** ISO; null: there is no list. */
  readonly crlNextUpdate: string | null;
  readonly releases: Readonly<Record<string, ReleaseNote>>;
  /** Projects that have a network on some host: not taken down. */
  readonly networked: readonly string[];
  readonly rollouts: readonly Pick<RolloutRecord, 'project' | 'ended'>[];
  /** Of the last rollout of each project at each edge. */
  readonly traffic: readonly (Pick<TrafficRecord, 'requests' | 'failed'> & {
    readonly project: string;
    readonly edge: string;
  })[];
  readonly instances: readonly Pick<Instance, 'id' | 'service' | 'host' | 'meta' | 'status' | 'draining'>[];
}

export type ClusterView = Partial<ClusterParts>;

/** When a host was last heard of, by the clock of whoever listens. */
export interface Sign {
  /** Milliseconds since the epoch. */
  readonly heardAt: number;
  /** Milliseconds that the host's clock is ahead; absent: not known. */
  readonly offsetMs?: number;
  /** The host's word of the time. */
  readonly clock: string;
}

/** What whoever is asked knows by itself. */
export interface OwnView {
  readonly version: string;
  readonly node: string;
  readonly isCatalogUp: boolean;
  readonly catalog?: { readonly host: string; readonly epoch: number };
  readonly index?: number;
  /** Part of what is known → whether it could be read. */
  readonly parts?: Readonly<Record<string, boolean>>;
  /** Absent where there is no host whose own part it is: the operator's machine. */
  readonly host?: {
    readonly name: string;
    /** Part → whether something is wrong with it. */
    readonly problems: Readonly<Record<string, boolean>>;
    readonly snapshot?: { readonly writtenMs: number; readonly index: number };
  };
  readonly signs?: Readonly<Record<string, Sign>>;
}
