/** How a certificate that was got becomes one that is served. */
import type {
  CertificateKey,
  CertificateRecord,
  CertificateSource,
  CertificateWish,
  IssuerRecord,
} from '../catalog/tls-record.ts';
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
  /** Milliseconds of the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * The record to serve: the new key, beside it the other kind's as long as it is of the same source and for the same names.
 * @param previous what is served now.
 * @param now milliseconds of the epoch.
 */
export function servedRecord(
  obtained: Obtained,
  previous: CertificateRecord | undefined,
  now: number,
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
  const since = previous?.publicSince ?? new Date(now).toISOString();
  const narrow = others.length > 0 && previous !== undefined;
  const from = narrow ? Math.max(obtained.notBefore, Date.parse(previous.notBefore)) : obtained.notBefore;
  const until = narrow ? Math.min(obtained.notAfter, Date.parse(previous.notAfter)) : obtained.notAfter;
  return {
    ...{ id: wish.id, names: wish.names, source, issuer, isInterim },
    keys: [key, ...others].toSorted((a, b) => (a.type < b.type ? -1 : 1)),
    notBefore: new Date(from).toISOString(),
    notAfter: new Date(until).toISOString(),
    ...(isPublic ? { publicSince: since } : {}),
  };
}

/**
 * Whether an issuer's certificates count as publicly trusted. Staging directories do not; any other ACME server that somebody
 * chose does, a company's own too: its users' clients trust it, else they could not use the site at all.
 */
export const isPublicIssuer = ({ name, directory }: Pick<IssuerRecord, 'name' | 'directory'>): boolean =>
  !/staging/i.test(name) && !/staging/i.test(directory);
