/** What the catalog holds of certificates and of the private CA; keys in `record.ts` ({@link import('./record.ts').KEY}). */

import type { DesiredIssuer } from '../compose/desired.ts';

/** Where a certificate comes from. */
export type CertificateSource = 'acme' | 'internal' | 'files';

export type KeyType = 'ecdsa' | 'rsa';

/** A certificate that a project wants: `seawall/certs/wishes/PROJECT` is a JSON array of these. */
export interface CertificateWish {
  /** {@link certificateId} of the first name; what routes name in `tls.certificate`. */
  readonly id: string;
  /** DNS names, the one that the id was made of first; `*.example.com` needs `challenge: dns`. */
  readonly names: readonly string[];
  readonly source: CertificateSource;
  /** In the order in which they are asked; empty unless `source` is `acme`. */
  readonly issuers: readonly IssuerRecord[];
  readonly challenge: 'http' | 'dns';
  /** Sealed JSON {@link DnsHook}, context {@link SEAL}.dns; with `challenge: dns` only. */
  readonly dns?: string;
  /** Which kinds of key; both: two certificates, the client chooses. */
  readonly keys: readonly KeyType[];
  /** `files`: sealed JSON {@link CertificateFiles}, context {@link SEAL}.files. */
  readonly files?: string;
  /**
   * What hosts keep in folders, of the private CA: `upstream` for what replicas serve themselves, `other` for anything else on a
   * host. Absent: what edges serve.
   */
  readonly purpose?: 'upstream' | 'other';
  /** Life of one of the private CA; absent: 90. */
  readonly days?: number;
}

/** An ACME server and the account there, as {@link DesiredIssuer} but for its secret. */
export interface IssuerRecord extends DesiredIssuer {
  /** External account binding (RFC 8555 section 7.3.4): sealed JSON {@link AccountBinding}, context {@link SEAL}.binding. */
  readonly binding?: string;
}

export interface AccountBinding {
  readonly keyId: string;
  /** base64url, as the CA gives it. */
  readonly key: string;
}

export interface CertificateFiles {
  /** PEM: leaf first. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
}

/** How TXT records get into the DNS. */
export type DnsHook =
  /** `sh` runs the text with `present|cleanup FQDN VALUE` as arguments in Seawall's server container. */
  | { readonly kind: 'exec'; readonly script: string; readonly env: Readonly<Record<string, string>> }
  /** `POST url` with JSON `{ action, fqdn, value }`. */
  | { readonly kind: 'webhook'; readonly url: string; readonly token?: string }
  /** Dynamic update (RFC 2136) with TSIG (RFC 8945). */
  | {
      readonly kind: 'rfc2136';
      readonly server: string;
      readonly port: number;
      readonly zone?: string;
      readonly keyName: string;
      /** base64 */
      readonly key: string;
      readonly algorithm: 'hmac-sha256' | 'hmac-sha512';
    };

/** A certificate that edges serve: `seawall/certs/live/ID`. */
export interface CertificateRecord {
  readonly id: string;
  readonly names: readonly string[];
  readonly source: CertificateSource;
  /** `internal`, `files`, or the name of an {@link IssuerRecord}. */
  readonly issuer: string;
  /** Of the private CA, only until the wished one is there. */
  readonly isInterim: boolean;
  /** One, or two of different kinds. */
  readonly keys: readonly CertificateKey[];
  /** ISO times of the leaf; of two the narrower. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** ISO time since which this id has been served with certificates that are publicly trusted, without a break; HSTS waits for it. */
  readonly publicSince?: string;
}

export interface CertificateKey {
  readonly type: KeyType;
  /** PEM: leaf first, without the root. */
  readonly chain: string;
  /** PKCS #8 PEM, sealed, context {@link SEAL}.key. */
  readonly key: string;
  /** First 32 hexadecimal digits of the leaf's SHA-256. */
  readonly fingerprint: string;
  /** Serial number of the leaf, lower-case hexadecimal. */
  readonly serial: string;
}

/** How getting a certificate goes: `seawall/certs/state/ID`. Survives whoever leads. ISO times. */
export interface CertificateState {
  readonly id: string;
  /** An order under way: its key is made before the order, so that whoever leads next can finish it. */
  readonly order?: OrderState;
  /** Failed attempts in a row. */
  readonly failures: number;
  readonly nextTryAt?: string;
  readonly lastError?: {
    readonly at: string;
    readonly issuer: string;
    readonly text: string;
    readonly hint?: string;
  };
  /** When the staging directory last gave this set of names a certificate. */
  readonly rehearsedAt?: string;
  readonly rehearsedNames?: readonly string[];
  /** Since when no staging directory could tell about the names. */
  readonly rehearsalAwaySince?: string;
  /** When the live certificate is to be renewed, and why then. */
  readonly renewAt?: string;
  readonly renewReason?: 'ari' | 'lifetime' | 'asked';
  /** Of two kinds of key those that the renewal under way has got already. */
  readonly renewed?: readonly KeyType[];
  /** Directory → until when it asked to be left alone with this certificate (429 or 503 with Retry-After). */
  readonly issuerHolds?: Readonly<Record<string, string>>;
  /** Since when no wish names it. */
  readonly unwishedSince?: string;
  /** RFC 9773: the window, and when to ask again. */
  readonly ari?: {
    readonly start: string;
    readonly end: string;
    readonly askAt: string;
    readonly explanation?: string;
  };
  /** What was noticed before the last order: DNS elsewhere, port 80 not reachable. Warnings only. */
  readonly warnings: readonly string[];
  readonly answer?: RequestAnswer;
}

export interface OrderState {
  readonly issuer: string;
  readonly directory: string;
  readonly isRehearsal: boolean;
  readonly keyType: KeyType;
  /** Sealed PKCS #8 PEM, context {@link SEAL}.key. */
  readonly key: string;
  /** Absent: not made yet. */
  readonly url?: string;
  readonly startedAt: string;
}

/** What a person asked for: `seawall/certs/requests/ID`; taken away by whoever leads once it is answered. */
export interface CertificateRequest {
  /** `roll-account`: the accounts at the certificate's issuers get a new key (RFC 8555 section 7.3.5). */
  readonly kind: 'renew' | 'rehearse' | 'revoke' | 'roll-account';
  /** Random; the answer carries it. */
  readonly request: string;
  readonly by: string;
  readonly at: string;
  /** Reason of a revocation (RFC 5280 section 5.3.1): 0, 1, 3, 4 or 5. */
  readonly reason?: number;
}

export interface RequestAnswer {
  readonly request: string;
  readonly kind: CertificateRequest['kind'];
  readonly ok: boolean;
  readonly text: string;
  readonly at: string;
}

/** What an edge has of certificates and challenge answers: `seawall/ack/tls/HOST`, bound to its session. */
export interface TlsAcknowledgement {
  /** Certificate id → fingerprints in force, sorted. */
  readonly certificates: Readonly<Record<string, readonly string[]>>;
  /** Tokens of ACME challenges that are answered, sorted. */
  readonly answers: readonly string[];
  /** Certificate id → why it is not in force. */
  readonly problems: Readonly<Record<string, string>>;
}

/** In place of a project: certificates that were asked for by hand, and that nobody's routes name. */
export const MANUAL = '_manual';

/**
 * What a host keeps of certificates in folders, by id: `seawall/ack/kept/HOST`, bound to its agent's session.
 */
export type KeptAcknowledgement = Readonly<
  Record<
    string,
    {
      /** On the host. */
      readonly folder: string;
      /** Of the leaf that lies there; absent: none does yet. */
      readonly fingerprint?: string;
      /** SHA-256 of the host's file by which it lies there so. */
      readonly settings?: string;
      /** Why the folder is not as it should be. */
      readonly problem?: string;
      /** Containers that serve with another one though it lies there. */
      readonly stale?: readonly string[];
    }
  >
>;

/** Contexts of what is sealed: what was sealed for one place opens in no other. */
export const SEAL = {
  key: (id: string) => `seawall/certs/key/${id}`,
  files: (id: string) => `seawall/certs/files/${id}`,
  dns: (id: string) => `seawall/certs/dns/${id}`,
  binding: (directory: string) => `seawall/acme/binding/${directory}`,
  account: (directory: string) => `seawall/acme/account/${directory}`,
  authority: (which: 'root' | 'intermediate') => `seawall/ca/${which}`,
} as const;

export { certificateId } from '../names.ts';
