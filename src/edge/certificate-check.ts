import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { CertificateKey, CertificateRecord } from '../catalog/tls-record.ts';
import { SEAL } from '../catalog/tls-record.ts';
import { SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { unseal } from '../secrets/index.ts';
import { certificateIdPattern } from './route-text.ts';
import type { ServedCertificate } from './tls-plan.ts';

/** One certificate with its key, as nginx reads them. */
export interface CertificateFile {
  readonly fingerprint: string;
  /** PEM. */
  readonly chain: string;
  readonly key: string;
}

export interface CheckedCertificate {
  readonly served: ServedCertificate;
  readonly files: readonly CertificateFile[];
}

/**
 * Opens a record of the catalog and makes sure that nginx can serve it: one certificate that it does not take would keep
 * it from taking any other configuration.
 * @param id the last part of the record's key.
 * @throws SeawallError `refused`; the text names no key.
 */
export function checkCertificate(id: string, text: string, clusterKey: string): CheckedCertificate {
  const record = readRecord(id, text);
  const checked = record.keys.map((key) => checkKey(id, key, clusterKey));
  const [first, ...others] = checked.map(({ names }) => names);
  const names = (first ?? []).filter((name) => others.every((list) => list.includes(name)));
  const { source, isInterim, publicSince, notAfter } = record;
  return {
    served: {
      id,
      names,
      keys: checked.map(({ file }, index) => ({
        type: record.keys[index]?.type ?? 'ecdsa',
        fingerprint: file.fingerprint,
      })),
      source,
      isInterim,
      notAfter,
      ...(publicSince === undefined ? {} : { publicSince }),
    },
    files: checked.map(({ file }) => file),
  };
}

function readRecord(id: string, text: string): CertificateRecord {
  let record: CertificateRecord;
  try {
    record = JSON.parse(text) as CertificateRecord;
  } catch (cause) {
    throw refused(id, 'its record is no JSON', cause);
  }
  if (!certificateIdPattern.test(id)) throw refused(id, 'its id cannot be the name of a folder');
  if (record.id !== id) throw refused(id, `its record is of ${String(record.id)}`);
  if (!Array.isArray(record.keys) || record.keys.length === 0) throw refused(id, 'its record holds no key');
  return record;
}

function checkKey(
  id: string,
  { chain, key: sealed, fingerprint }: CertificateKey,
  clusterKey: string,
): { readonly file: CertificateFile; readonly names: readonly string[] } {
  const key = unseal(clusterKey, sealed, SEAL.key(id)).toString('utf8');
  const certificates = readCertificates(chain);
  const [leaf, issuer] = certificates;
  if (leaf === undefined) throw refused(id, 'its chain holds no certificate');
  if (!isKeyOf(leaf, key)) throw refused(id, 'its key does not belong to its certificate');
  if (issuer !== undefined && !leaf.verify(issuer.publicKey))
    throw refused(id, 'its chain is not in order: the second certificate did not sign the first');
  const found = sha256(leaf.raw).slice(0, 32);
  if (found !== fingerprint)
    throw refused(id, `its certificate is not the one that its record names (${found})`);
  try {
    // The same library as nginx's: keys that are too short, signatures that are too weak, kinds that it does not know.
    createSecureContext({ cert: chain, key, minVersion: 'TLSv1.2' });
  } catch (cause) {
    throw refused(id, 'OpenSSL does not take it', cause);
  }
  return { file: { fingerprint, chain, key }, names: dnsNames(leaf) };
}

function isKeyOf(leaf: X509Certificate, key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    // Text that is no key; the cause could show some of it.
    return false;
  }
}

/** The certificates of a PEM text. @throws when one of them cannot be read. */
export const readCertificates = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map(
    (text) => new X509Certificate(text),
  );

/** Names that Node.js puts in quotes hold characters that no DNS name has: they match nothing. */
const dnsNames = ({ subjectAltName }: X509Certificate): string[] =>
  (subjectAltName ?? '')
    .split(', ')
    .flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4).toLowerCase()] : []));

const refused = (id: string, what: string, cause?: unknown): SeawallError =>
  new SeawallError('refused', `certificate ${JSON.stringify(id)} is not served: ${what}`, {
    hint: `The one before it serves on. Get another: seawall cert renew ${id}`,
    ...(cause === undefined ? {} : { cause }),
  });
