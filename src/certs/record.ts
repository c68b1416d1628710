/** How a certificate that was got becomes one that is served. */
import type {
  CertificateKey,
  CertificateRecord,
  CertificateSource,
  CertificateWish,
  IssuerRecord,
} from '../catalog/tls-record.ts';
import type { Validity } from './renewal.ts';
import { sameNames } from './wishes.ts';

export interface Obtained {
  readonly wish: CertificateWish;
  readonly source: CertificateSource;
  /** `internal`, `files`, or the name of an issuer. */
  readonly issuer: string;
  readonly isInterim: boolean;
  /** Clients of the open internet trust it. */
  readonly isPublic: boolean;
  readonly key: CertificateKey;
  readonly validity: Validity;
}

/**
 * The record to serve: the new key, beside it the other kind's as long as it is of the same source and for the same names.
 * @param previous what is served now.
 * @param options.validityOf reads it from a certificate.
 * @param options.now milliseconds of the epoch.
 */
export function servedRecord(
  obtained: Obtained,
  previous: CertificateRecord | undefined,
  { validityOf, now }: { readonly validityOf: (key: CertificateKey) => Validity; readonly now: number },
): CertificateRecord {
  const { wish, source, issuer, isInterim, isPublic, key } = obtained;
  const stays =
    previous !== undefined &&
    previous.source === source &&
    previous.isInterim === isInterim &&
    sameNames(previous.names, wish.names);
  const others = stays
    ? previous.keys.filter(({ type }) => type !== key.type && wish.keys.includes(type))
    : [];
  const all = [obtained.validity, ...others.map(validityOf)];
  return {
    ...{ id: wish.id, names: wish.names, source, issuer, isInterim },
    keys: [key, ...others].toSorted((a, b) => (a.type < b.type ? -1 : 1)),
    notBefore: new Date(Math.max(...all.map(({ notBefore }) => notBefore))).toISOString(),
    notAfter: new Date(Math.min(...all.map(({ notAfter }) => notAfter))).toISOString(),
    ...(isPublic ? { publicSince: previous?.publicSince ?? new Date(now).toISOString() } : {}),
  };
}

/**
 * Whether an issuer's certificates count as publicly trusted. Staging directories do not; any other ACME server that somebody
 * chose does, a company's own too: its users' clients trust it, else they could not use the site at all.
 */
export const isPublicIssuer = ({ name, directory }: Pick<IssuerRecord, 'name' | 'directory'>): boolean =>
  !/staging/i.test(name) && !/staging/i.test(directory);
