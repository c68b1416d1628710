import type { AccountBinding } from '../../catalog/tls-record.ts';
import type { AcmeProblem } from './error.ts';

/** What an ACME server has, as this client reads it. Times are ISO 8601 as the server wrote them. */

/** RFC 8555 section 7.1.1. */
export interface AcmeDirectory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly revokeCert: string;
  readonly keyChange: string;
  /** RFC 9773; absent where the server has none. */
  readonly renewalInfo?: string;
  readonly termsOfService?: string;
  readonly website?: string;
  /** What a CAA record has to name for this CA. */
  readonly caaIdentities: readonly string[];
  readonly externalAccountRequired: boolean;
  /** Name → description (draft-aaron-acme-profiles); empty where the server has none. */
  readonly profiles: Readonly<Record<string, string>>;
}

/** RFC 8555 section 7.1.6. */
export type OrderStatus = 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';

/** RFC 8555 section 7.1.3. */
export interface AcmeOrder {
  readonly url: string;
  readonly status: OrderStatus;
  /** DNS names and addresses. */
  readonly names: readonly string[];
  /** URLs. */
  readonly authorizations: readonly string[];
  /** URL. */
  readonly finalize: string;
  /** URL; there once the status is `valid`. */
  readonly certificate?: string;
  readonly expires?: string;
  readonly profile?: string;
  readonly error?: AcmeProblem;
}

export type AuthorizationStatus = 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';

/** RFC 8555 section 7.1.4. */
export interface AcmeAuthorization {
  readonly url: string;
  /** DNS name without `*.`, or an address. */
  readonly identifier: string;
  readonly wildcard: boolean;
  readonly status: AuthorizationStatus;
  readonly expires?: string;
  /** Those with a token, which is base64url and nothing else: fit for a path and a file name. */
  readonly challenges: readonly AcmeChallenge[];
}

export interface AcmeChallenge {
  /** `http-01`, `dns-01`, `tls-alpn-01`, … */
  readonly type: string;
  readonly url: string;
  readonly token: string;
  readonly status: 'pending' | 'processing' | 'valid' | 'invalid';
  readonly error?: AcmeProblem;
}

/** RFC 9773 section 4.2. */
export interface RenewalInfo {
  /** ISO 8601, UTC. */
  readonly start: string;
  /** After `start`. */
  readonly end: string;
  /** Page that says why. */
  readonly explanation?: string;
  /** Milliseconds, between a minute and a day (section 4.3.3). */
  readonly askAgainMs: number;
}

export interface CertificateChain {
  /** PEM: leaf first, each certificate once, nothing else. */
  readonly chain: string;
  /** URLs of other chains to the same leaf (RFC 8555 section 7.4.2), to be given to `certificate` too. */
  readonly alternates: readonly string[];
}

export interface AcmeClientOptions {
  /** URL of the directory. */
  readonly directory: string;
  /** PEM of the only authorities that the directory's HTTPS is trusted by; absent: those that Node trusts. */
  readonly trust?: string;
  /** PKCS #8 PEM, P-256. */
  readonly accountKey: string;
  /** URL of the account, when it is known. */
  readonly kid?: string;
  /** Such as `seawall/0.1.0`. */
  readonly userAgent: string;
  /** Milliseconds that each request may take; default 30000. */
  readonly timeoutMs?: number;
}

export interface AccountWish {
  readonly email?: string;
  readonly binding?: AccountBinding;
  /** Only look for it: `accountDoesNotExist` when the server does not know the key. */
  readonly existingOnly?: boolean;
}

export interface OrderWish {
  /** DNS names, wildcards too, and addresses. */
  readonly names: readonly string[];
  /** Left out where the directory does not offer it. */
  readonly profile?: string;
  /** PEM of the certificate that this one takes the place of (RFC 9773 section 5); left out where the directory has no renewalInfo. */
  readonly replaces?: string;
}
