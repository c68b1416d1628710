import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type CertificateKey, type KeyType, SEAL } from '../catalog/tls-record.ts';
import { SeawallError } from '../errors.ts';
import { seal } from '../secrets/index.ts';
import type { Validity } from './renewal.ts';

/** What is read from a chain of certificates and its key. */
export interface Leaf {
  readonly type: KeyType;
  /** PEM: leaf first, without a root. */
  readonly chain: string;
  /** First 32 hexadecimal digits of the SHA-256. */
  readonly fingerprint: string;
  readonly serial: string;
  /** Milliseconds of the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * Reads a chain and checks that it is one, that the key is the leaf's, and that the names are covered.
 * @throws SeawallError `refused` that says what does not fit.
 */
export function readLeaf(id: string, chainPem: string, keyPem: string, names: readonly string[]): Leaf {
  const chain = certificatesOf(id, chainPem);
  const [leaf] = chain;
  if (leaf === undefined) throw wrong(id, 'holds no certificate in PEM form');
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer !== undefined && !(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)))
      throw wrong(id, `is no chain: certificate ${index + 2} did not sign the one before it`);
  }
  if (!leaf.checkPrivateKey(privateKey(id, keyPem))) throw wrong(id, 'does not belong to its key');
  const missing = names.filter((name) => !covers(leaf, name));
  if (missing.length > 0) throw wrong(id, `does not cover ${missing.join(', ')}`);
  return {
    type: keyType(id, leaf),
    chain: withoutRoot(chain)
      .map((certificate) => certificate.toString())
      .join(''),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').slice(0, 32).toLowerCase(),
    serial: leaf.serialNumber.toLowerCase(),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
  };
}

/** What edges get of a certificate: the key sealed for its place. */
export function sealedKey(clusterKey: string, id: string, leaf: Leaf, keyPem: string): CertificateKey {
  const { type, chain, fingerprint, serial } = leaf;
  return { type, chain, fingerprint, serial, key: seal(clusterKey, keyPem, SEAL.key(id)) };
}

/** Of the first certificate of a chain. */
export function validityOf({ chain }: Pick<CertificateKey, 'chain'>): Validity {
  const { validFrom, validTo } = new X509Certificate(chain);
  return { notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo) };
}

function certificatesOf(id: string, pem: string): X509Certificate[] {
  try {
    return [...pem.matchAll(PEM)].map(([text]) => new X509Certificate(text));
  } catch (cause) {
    throw wrong(id, 'cannot be read', cause);
  }
}

function privateKey(id: string, pem: string) {
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause may quote what it could not read.
    throw wrong(id, 'has a key that cannot be read: it must be PEM without a password');
  }
}

function keyType(id: string, { publicKey }: X509Certificate): KeyType {
  if (publicKey.asymmetricKeyType === 'ec') return 'ecdsa';
  if (publicKey.asymmetricKeyType === 'rsa') return 'rsa';
  throw wrong(id, `has a key of the kind ${publicKey.asymmetricKeyType}; ECDSA and RSA can be served`);
}

/** A wildcard covers exactly one label (RFC 9525 section 6.3); a wildcard that is asked for must stand there itself. */
function covers(leaf: X509Certificate, name: string): boolean {
  if (name.startsWith('*.')) {
    const own = leaf.subjectAltName?.toLowerCase().split(', ') ?? [];
    return own.includes(`dns:${name.toLowerCase()}`);
  }
  if (/^[\d.]+$|:/.test(name)) return leaf.checkIP(name) !== undefined;
  return leaf.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
}

/** Clients have the root; sending it is of no use (RFC 8446 section 4.4.2). */
const withoutRoot = (chain: readonly X509Certificate[]): readonly X509Certificate[] =>
  chain.filter((certificate, index) => index === 0 || !certificate.checkIssued(certificate));

const wrong = (id: string, what: string, cause?: unknown): SeawallError =>
  new SeawallError('refused', `the certificate for ${id} ${what}`, {
    hint: 'Look at what was given: openssl x509 -noout -text -in FILE',
    ...(cause === undefined ? {} : { cause }),
  });
