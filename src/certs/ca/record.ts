import { SeawallError } from '../../errors.ts';

/** The private CA as the catalog holds it, `seawall/ca/authority`. */
export interface AuthorityRecord {
  readonly version: 1;
  /** For people; stands in the subjects of both certificates. */
  readonly name: string;
  readonly root: SealedPair;
  readonly intermediate: SealedPair;
  /** What it may issue for, as DNS names and CIDRs; empty: anything. Part of both certificates (RFC 5280 section 4.2.1.10). */
  readonly permitted: readonly string[];
  /** Host from which what is no route's own certificate has its revocation list; absent: such certificates name none. */
  readonly crlHost?: string;
  /** ISO time. */
  readonly createdAt: string;
}

export interface SealedPair {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 PEM, sealed with the cluster's key, context `SEAL.authority`. */
  readonly key: string;
}

export const PURPOSES = ['route', 'upstream', 'client', 'other'] as const;
/** What a certificate is for: what an edge serves, what an app server serves, who a client is, anything else that serves. */
export type Purpose = (typeof PURPOSES)[number];

/** A certificate that the private CA gave out: `seawall/ca/issued/SERIAL`. Times are ISO. */
export interface IssuedRecord {
  readonly version: 1;
  /** Lower-case hexadecimal, 32 digits. */
  readonly serial: string;
  /** {@link authorityId} of the CA that issued it: one that was replaced revokes nothing any more. */
  readonly authority: string;
  readonly names: readonly string[];
  readonly purpose: Purpose;
  readonly notBefore: string;
  readonly notAfter: string;
  /** First 32 hexadecimal digits of its SHA-256. */
  readonly fingerprint: string;
  readonly revokedAt?: string;
  readonly reason?: RevocationReason;
  /** Who asked for it: a person, or the host that did by itself. */
  readonly by: string;
}

/** Why a certificate is revoked, with the number that the list gives it (RFC 5280 section 5.3.1). */
export const REVOCATION_REASONS = {
  unspecified: 0,
  'key-compromise': 1,
  'affiliation-changed': 3,
  superseded: 4,
  'cessation-of-operation': 5,
} as const;
export type RevocationReason = keyof typeof REVOCATION_REASONS;

/** Path at which edges serve the revocation list, over plain HTTP. */
const REVOCATION_LIST_PATH = '/.well-known/seawall/ca.crl';

/** Where a certificate says that its issuer's revocation list is. Plain HTTP: the list is signed (RFC 5280 section 4.2.1.13). */
export const revocationListUrl = (host: string): string => `http://${host}${REVOCATION_LIST_PATH}`;

/**
 * Takes a record as it is read, if this version wrote it.
 * @throws SeawallError `refused` for a record of a newer one, which is left as it is.
 */
export function ofThisVersion<R extends { readonly version: 1 }>(key: string, record: R): R {
  if (record.version === 1) return record;
  throw new SeawallError('refused', `a newer version of Seawall wrote the catalog's key ${key}`, {
    hint: 'Use that version: npm install -g seawall@latest. Nothing was changed.',
  });
}
