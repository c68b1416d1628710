import { createPrivateKey, X509Certificate } from 'node:crypto';
import { coversDomain } from './names.ts';

/** What stands in a certificate, as far as anybody here asks. */
export interface CertificateFact {
  /** Names of the subject alternative name that are DNS names. */
  readonly names: readonly string[];
  /** ISO times. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly keyType: 'ecdsa' | 'rsa';
}

/** Why a certificate cannot be served, and what to do. */
export interface CertificateFault {
  readonly text: string;
  readonly remedy: string;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, in its order. @throws what the parser throws */
const certificatesOf = (pem: string): X509Certificate[] =>
  (pem.match(BLOCK) ?? []).map((block) => new X509Certificate(block));

/** Whether a text is PEM of at least one certificate, and all of them can be read. */
export function isCertificateText(pem: string): boolean {
  try {
    return certificatesOf(pem).length > 0;
  } catch {
    return false;
  }
}

/**
 * What a certificate chain and its key are good for at a time. The text of a fault never shows anything of the key.
 * @param chain PEM, leaf first.
 * @param key PEM without a passphrase.
 */
export function inspectPair(chain: string, key: string, now: Date): CertificateFact | CertificateFault {
  let certificates: readonly X509Certificate[];
  try {
    certificates = certificatesOf(chain);
  } catch {
    return { text: 'a certificate in it cannot be read', remedy: 'It must be PEM, as the CA gave it.' };
  }
  const [leaf] = certificates;
  if (leaf === undefined)
    return { text: 'there is no certificate in it', remedy: 'It must be PEM: -----BEGIN CERTIFICATE-----' };
  return chainFault(certificates) ?? keyFault(leaf, key) ?? dateFault(leaf, now) ?? factOf(leaf);
}

/** RFC 8446 section 4.4.2: the leaf first, then each the issuer of the one before. */
function chainFault(certificates: readonly X509Certificate[]): CertificateFault | undefined {
  if (certificates[0]?.ca === true && certificates.length > 1)
    return {
      text: 'its first certificate is one of a CA',
      remedy: 'Put the certificate of the domain first, then each its issuer.',
    };
  const isBroken = certificates.some((each, at) => {
    const issuer = certificates[at + 1];
    return issuer !== undefined && !each.checkIssued(issuer);
  });
  if (!isBroken) return undefined;
  return {
    text: 'its certificates are not in order',
    remedy: 'Put the certificate of the domain first, then each its issuer, without the root.',
  };
}

function keyFault(leaf: X509Certificate, pem: string): CertificateFault | undefined {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa')
      return {
        text: 'its key is neither ECDSA nor RSA',
        remedy: 'Browsers know no other: have it issued anew.',
      };
    if (leaf.checkPrivateKey(key)) return undefined;
    return { text: 'the key belongs to another certificate', remedy: 'Name the key that it was made with.' };
  } catch {
    return {
      text: 'the key cannot be read',
      remedy: 'It must be PEM without a passphrase: openssl pkey -in KEY -out PLAIN_KEY',
    };
  }
}

function dateFault(leaf: X509Certificate, now: Date): CertificateFault | undefined {
  if (leaf.validToDate <= now)
    return {
      text: `it expired on ${leaf.validToDate.toISOString()}`,
      remedy: 'Have it renewed by whoever issued it.',
    };
  if (leaf.validFromDate > now)
    return {
      text: `it is not valid before ${leaf.validFromDate.toISOString()}`,
      remedy: "Wait, or look at this machine's clock.",
    };
  return undefined;
}

const factOf = (leaf: X509Certificate): CertificateFact => ({
  names: namesOf(leaf),
  notBefore: leaf.validFromDate.toISOString(),
  notAfter: leaf.validToDate.toISOString(),
  keyType: leaf.publicKey.asymmetricKeyType === 'rsa' ? 'rsa' : 'ecdsa',
});

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName
    .split(', ')
    .flatMap((part) => (part.startsWith('DNS:') ? [part.slice(4).toLowerCase()] : []));
}

/** Those of the domains that no name of the certificate is for. */
export const uncovered = (names: readonly string[], domains: readonly string[]): string[] =>
  domains.filter((domain) => !names.some((name) => coversDomain(name, domain)));
