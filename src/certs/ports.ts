/** What the loop needs of its surroundings, as narrow as it is used. */
import type { CatalogClient } from '../catalog/index.ts';
import type { KeyType } from '../catalog/tls-record.ts';
import type { ClusterFile } from '../cluster.ts';
import type { AcmeClient } from './acme/index.ts';

export interface Call {
  readonly signal?: AbortSignal;
}

/** One account at one ACME server. */
export type Acme = Pick<
  AcmeClient,
  | 'account'
  | 'newOrder'
  | 'order'
  | 'authorization'
  | 'acceptChallenge'
  | 'waitForAuthorization'
  | 'waitForOrder'
  | 'finalize'
  | 'certificate'
  | 'revoke'
  | 'rollKey'
  | 'renewalInfo'
>;

/** The private CA. */
export interface PrivateCa {
  issue(
    about: {
      readonly names: readonly string[];
      readonly keyType: KeyType;
      /** Default: `route`. */
      readonly purpose?: 'route' | 'upstream' | 'other';
      /** Default: 90. */
      readonly days?: number;
    },
    call: Call,
  ): Promise<{
    readonly chain: string;
    readonly key: string;
    /** Those that the CA's limits let it issue for. */
    readonly names: readonly string[];
  }>;
  revoke(serial: string, reason: number, call: Call): Promise<void>;
  /** Renews the revocation list where it ends soon. @returns the authority: its id, and whether it issued a chain; undefined: there is none. */
  refresh(
    call: Call,
  ): Promise<{ readonly id: string; readonly issued: (chain: string) => boolean } | undefined>;
}

/** What of the catalog's client is used. */
export type Catalog = Pick<
  CatalogClient,
  'kvGet' | 'kvList' | 'kvPut' | 'kvDelete' | 'sessionCreate' | 'sessionDestroy' | 'sessionRenew'
>;

/** What is used of the cluster file. */
export type Cluster = Pick<ClusterFile, 'key' | 'host'>;

/** Time and chance. */
export interface Chance {
  /** Milliseconds of the epoch. */
  readonly now: () => number;
  /** [0, 1) */
  readonly random: () => number;
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
