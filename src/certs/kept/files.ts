import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type CertificateRecord, SEAL } from '../../catalog/tls-record.ts';
import { SeawallError } from '../../errors.ts';
import { sha256 } from '../../hash.ts';
import type { KeptCertificate } from '../../kept-certificate.ts';
import { unseal } from '../../secrets/index.ts';
import { readLeaf } from '../leaf.ts';

/** A file of a folder, for the helper that writes it. */
export interface FolderFile {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface FolderContent {
  /** The same files have the same; 32 hexadecimal digits. */
  readonly version: string;
  /** Of the leaf. */
  readonly fingerprint: string;
  readonly files: readonly FolderFile[];
}

/**
 * What a folder is to hold: certificates and a key, read and written anew, so that nothing else that the catalog might hold gets
 * onto a host.
 * @param root PEM of the CA that others verify by.
 * @throws SeawallError `refused` when key and certificate do not belong together, or the key cannot be unsealed.
 */
export function folderContent(
  kept: KeptCertificate,
  live: CertificateRecord,
  root: string,
  clusterKey: string,
): FolderContent {
  const { id, files, uid, gid } = kept;
  const [own] = live.keys;
  if (own === undefined || live.id !== id)
    throw new SeawallError('refused', `the record of ${id} in the catalog holds no certificate of it`);
  const plain = unseal(clusterKey, own.key, SEAL.key(id));
  try {
    const pem = createPrivateKey(plain).export({ format: 'pem', type: 'pkcs8' }).toString();
    const leaf = readLeaf(id, own.chain, pem, []);
    const trust = new X509Certificate(root).toString();
    const about = [
      leaf.fingerprint,
      trust,
      kept.folder,
      `${uid}:${gid}`,
      files.certificate,
      files.key,
      files.trust,
    ];
    return {
      version: sha256(JSON.stringify(about)).slice(0, 32),
      fingerprint: leaf.fingerprint,
      files: [
        { name: files.key, text: pem, mode: keyMode(kept), uid, gid },
        { name: files.certificate, text: leaf.chain, mode: 0o444, uid: 0, gid: 0 },
        { name: files.trust, text: trust, mode: 0o444, uid: 0, gid: 0 },
      ],
    };
  } finally {
    plain.fill(0);
  }
}

/** PostgreSQL and others refuse a key that anybody else may read; nobody but Seawall writes it. */
const keyMode = ({ uid }: KeptCertificate): number => (uid === 0 ? 0o600 : 0o400);
