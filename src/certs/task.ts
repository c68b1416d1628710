/** What there is to do about certificates, and what it is decided from. */
import type {
  CertificateRecord,
  CertificateRequest,
  CertificateState,
  CertificateWish,
  IssuerRecord,
  KeyType,
} from '../catalog/tls-record.ts';

/** Why a certificate is asked for. */
export type Why = 'missing' | 'names' | 'source' | 'issuer' | 'key' | 'renewal' | 'asked' | 'resumed';

export type Task =
  /** A certificate of the private CA until the wished one is there. */
  | { readonly kind: 'interim'; readonly wish: CertificateWish }
  | { readonly kind: 'internal'; readonly wish: CertificateWish; readonly why: Why }
  | { readonly kind: 'files'; readonly wish: CertificateWish }
  | OrderTask
  /** Ask the issuer when the live certificate is to be renewed (RFC 9773), or reckon it. */
  | { readonly kind: 'ask'; readonly wish: CertificateWish; readonly live: CertificateRecord }
  | {
      readonly kind: 'request';
      readonly request: CertificateRequest;
      readonly id: string;
      readonly wish?: CertificateWish;
    }
  /** An order under way that nobody wants any more. */
  | { readonly kind: 'abandon'; readonly wish: CertificateWish }
  /** Nobody wishes it any more: the time is noted. */
  | { readonly kind: 'unwished'; readonly id: string }
  /** Somebody wishes it again. */
  | { readonly kind: 'wished'; readonly id: string }
  /** Nobody has wished it for long: it goes. */
  | { readonly kind: 'forget'; readonly id: string };

export interface OrderTask {
  readonly kind: 'order';
  readonly wish: CertificateWish;
  readonly keyType: KeyType;
  /** Those that may be asked now, in order; at least one. */
  readonly issuers: readonly IssuerRecord[];
  /** The names are to be proven on a staging directory first. */
  readonly rehearses: boolean;
  readonly why: Why;
}

export interface Situation {
  readonly wishes: readonly CertificateWish[];
  readonly live: ReadonlyMap<string, CertificateRecord>;
  readonly states: ReadonlyMap<string, CertificateState>;
  readonly requests: ReadonlyMap<string, CertificateRequest>;
  /** Milliseconds of the epoch. */
  readonly now: number;
  /** What this leader tried in vain and does not try again before: by {@link restKey}. */
  readonly resting: ReadonlyMap<string, number>;
  /** Sealed text of the given files that this leader has dealt with, by id. */
  readonly handledFiles: ReadonlyMap<string, string>;
}

export interface Decision {
  /** The most urgent first; one per id at the most. */
  readonly tasks: readonly Task[];
  /** When something is due next although nothing happens. */
  readonly wakeAt?: number;
}

/** Under which a task rests. */
export const restKey = (kind: Task['kind'], id: string): string => `${kind} ${id}`;

/** The certificate that a task is about. */
export const taskId = (task: Task): string => ('wish' in task && task.wish ? task.wish.id : idOf(task));
const idOf = (task: Task): string => ('id' in task ? task.id : '');
