import { X509Certificate } from 'node:crypto';
import type { KeyType } from '../../catalog/tls-record.ts';
import { SeawallError } from '../../errors.ts';
import { type Authority, MAX_LEAF_DAYS } from './authority.ts';
import { makeKeyPair, privateKeyPem } from './key-pair.ts';
import type { AuthorityRecord, Purpose } from './record.ts';
import { requestedKey } from './request.ts';
import { isPermitted, parseSubject, type Subject } from './subject.ts';
import { loadX509, P256, type PublicKey, randomSerial, validityWithin, type X509 } from './x509.ts';

export interface CertificateOrder {
  /** DNS names, IP addresses, of clients also e-mail addresses; at least one. */
  readonly names: readonly string[];
  /** Of the key that is made; default `ecdsa`. Nothing to say with `csr`. */
  readonly keyType?: KeyType;
  readonly purpose: Purpose;
  /** Default 90; never beyond the intermediate's end. */
  readonly days?: number;
  /** PKCS #10, PEM or DER: the key stays where it was made. */
  readonly csr?: string | Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Where its revocation list is; absent: it names none. */
  readonly crlUrl?: string;
}

export interface IssuedCertificate {
  /** PEM: leaf and intermediate. */
  readonly chain: string;
  /** PKCS #8 PEM; absent with `csr`. */
  readonly key?: string;
  /** 32 lower-case hexadecimal digits. */
  readonly serial: string;
  /** First 32 hexadecimal digits of the leaf's SHA-256. */
  readonly fingerprint: string;
  /** As they stand in the certificate. */
  readonly names: readonly string[];
  readonly purpose: Purpose;
  /** ISO times. */
  readonly notBefore: string;
  readonly notAfter: string;
}

const DEFAULT_LEAF_DAYS = 90;

/**
 * Issues a certificate; {@link import('./store.ts').recordIssued} it before anybody gets it, or it cannot be revoked.
 * @throws SeawallError `input` for a name, a life or a request that cannot be; `refused` for a name that the CA is not permitted,
 * and from an intermediate that has ended.
 */
export async function issueCertificate(
  authority: Authority,
  order: CertificateOrder,
): Promise<IssuedCertificate> {
  const { record, signingKey } = authority;
  const subjects = subjectsOf(record, order);
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(record.intermediate.certificate);
  const keys = order.csr === undefined ? await makeKeyPair(order.keyType ?? 'ecdsa') : undefined;
  const publicKey = keys?.publicKey ?? (await requestedKey(order.csr ?? ''));
  const leaf = await x509.X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      issuer: issuer.subjectName,
      // Servers have their names in the extension alone (RFC 9525 section 2); a client's subject is what apps are told of it.
      ...(order.purpose === 'client' ? { subject: [{ CN: [clientName(subjects)] }] } : {}),
      ...validity(order, issuer),
      publicKey,
      signingKey,
      signingAlgorithm: P256,
      extensions: await leafExtensions(x509, order, subjects, publicKey, issuer),
    },
    crypto,
  );
  const own = `${leaf.toString('pem')}\n`;
  return {
    chain: `${own}${record.intermediate.certificate}`,
    ...(keys === undefined ? {} : { key: await privateKeyPem(keys.privateKey) }),
    serial: leaf.serialNumber,
    fingerprint: new X509Certificate(own).fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 32),
    names: subjects.map(({ value }) => value),
    purpose: order.purpose,
    notBefore: leaf.notBefore.toISOString(),
    notAfter: leaf.notAfter.toISOString(),
  };
}

/**
 * Looks whether a certificate could be issued, and issues none.
 * @throws SeawallError as {@link issueCertificate} would for names, life and limits.
 */
export async function checkOrder(
  { record }: Pick<Authority, 'record'>,
  order: CertificateOrder,
): Promise<void> {
  subjectsOf(record, order);
  const x509 = await loadX509();
  validity(order, new x509.X509Certificate(record.intermediate.certificate));
}

/** Upper bound of a common name (RFC 5280 appendix A.1). */
const MAX_COMMON_NAME = 64;
const clientName = ([first]: readonly Subject[]): string => (first?.value ?? '').slice(0, MAX_COMMON_NAME);

function subjectsOf(
  { permitted, name }: AuthorityRecord,
  { names, purpose }: Pick<CertificateOrder, 'names' | 'purpose'>,
): Subject[] {
  const all = names.map(parseSubject);
  const subjects = all.filter(
    ({ type, value }, index) => all.findIndex((each) => each.type === type && each.value === value) === index,
  );
  if (subjects.length === 0) throw new SeawallError('input', 'a certificate needs a name');
  const mail = subjects.find(({ type }) => type === 'email');
  if (mail !== undefined && purpose !== 'client') {
    throw new SeawallError('input', `${mail.value} is an e-mail address: only clients have those`, {
      hint: 'For a certificate that a client shows add --client.',
    });
  }
  const other = subjects.find((subject) => !isPermitted(permitted, subject));
  if (other === undefined) return subjects;
  throw new SeawallError('refused', `the private CA ${name} may not issue for ${other.value}`, {
    hint: `Its certificate limits it to: ${permitted.join(', ')}. What a CA may never changes; another one: seawall ca init --replace --permit …`,
  });
}

function validity(
  { days = DEFAULT_LEAF_DAYS, now }: Pick<CertificateOrder, 'days' | 'now'>,
  issuer: Pick<import('@peculiar/x509').X509Certificate, 'notBefore' | 'notAfter' | 'subject'>,
) {
  if (!Number.isInteger(days) || days < 1 || days > MAX_LEAF_DAYS) {
    throw new SeawallError('input', `a certificate cannot be valid for ${days} days`, {
      hint: `Choose 1 to ${MAX_LEAF_DAYS}: some clients take none that lives longer.`,
    });
  }
  if (now >= issuer.notAfter.getTime()) {
    throw new SeawallError(
      'refused',
      `${issuer.subject} ended at ${issuer.notAfter.toISOString()} and signs nothing any more`,
      {
        hint: 'Run: seawall ca init (it certifies the intermediate again), or when the root has ended: seawall ca init --replace',
      },
    );
  }
  return validityWithin(issuer, now, days);
}

async function leafExtensions(
  x509: X509,
  { purpose, crlUrl }: Pick<CertificateOrder, 'purpose' | 'crlUrl'>,
  subjects: readonly Subject[],
  publicKey: PublicKey,
  issuer: import('@peculiar/x509').X509Certificate,
) {
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const isClient = purpose === 'client';
  // Without a subject the extension is critical (RFC 5280 section 4.2.1.6).
  const names = new x509.SubjectAlternativeNameExtension(
    subjects.map(({ type, value }) => ({ type, value })),
    !isClient,
  );
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    // Key encipherment was for RSA key exchange, which nobody offers any more.
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([isClient ? clientAuth : serverAuth]),
    names,
    await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, crypto),
    ...(crlUrl === undefined ? [] : [new x509.CRLDistributionPointsExtension([crlUrl])]),
  ];
}
