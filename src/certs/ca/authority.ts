import { X509Certificate } from 'node:crypto';
import { SEAL } from '../../catalog/tls-record.ts';
import { seal, unseal } from '../../secrets/index.ts';
import { makeIntermediate, makeRoot } from './authority-certificate.ts';
import { makeKeyPair, privateKeyPem, signingKey } from './key-pair.ts';
import { type AuthorityRecord, ofThisVersion, type SealedPair } from './record.ts';
import { parsePermit } from './subject.ts';
import { DAY_MS, loadX509, P256, randomSerial, type SigningKey } from './x509.ts';

/** The private CA, able to sign. Its keys do not come out of it, not even into a log: `JSON.stringify` finds nothing in them. */
export interface Authority {
  readonly record: AuthorityRecord;
  /** Of the intermediate; the root's stays sealed. */
  readonly signingKey: SigningKey;
}

export interface AuthoritySettings {
  /** Default: `Seawall`. Together with a few digits of its own it names the CA in trust stores. */
  readonly name?: string;
  /** DNS names and CIDRs, as {@link parsePermit} reads them. */
  readonly permitted?: readonly string[];
  readonly crlHost?: string;
}

/** Longest life of a leaf: Apple's systems take no server certificate that lives longer, from whatever CA (HT210176). */
export const MAX_LEAF_DAYS = 825;

/** Makes a root and an intermediate, with keys of their own, sealed under the cluster's key. */
export async function makeAuthority(
  clusterKey: string,
  settings: AuthoritySettings,
  now: number,
): Promise<AuthorityRecord> {
  const { name = 'Seawall', crlHost } = settings;
  const permitted = [...new Set((settings.permitted ?? []).map((text) => parsePermit(text).value))].sort();
  // Two clusters of one name are two CAs in a trust store.
  const label = `${name} ${randomSerial().slice(-6)}`;
  const [rootKeys, keys] = await Promise.all([makeKeyPair('ecdsa'), makeKeyPair('ecdsa')]);
  const root = await makeRoot({ name: `${label} Root`, permitted, keys: rootKeys }, now);
  const intermediate = await makeIntermediate(
    { name: `${label} Intermediate`, permitted, publicKey: keys.publicKey },
    { certificate: root, key: rootKeys.privateKey },
    now,
  );
  const sealed = async (which: 'root' | 'intermediate', key: SigningKey): Promise<string> =>
    seal(clusterKey, await privateKeyPem(key), SEAL.authority(which));
  return {
    version: 1,
    name: label,
    root: { certificate: root, key: await sealed('root', rootKeys.privateKey) },
    intermediate: { certificate: intermediate, key: await sealed('intermediate', keys.privateKey) },
    permitted,
    ...(crlHost === undefined ? {} : { crlHost }),
    createdAt: new Date(now).toISOString(),
  };
}

/** Whether the intermediate no longer outlives a leaf of the longest life, while a new one would. */
export function isIntermediateDue({ root, intermediate }: AuthorityRecord, now: number): boolean {
  const ends = (pair: SealedPair): number => Date.parse(new X509Certificate(pair.certificate).validTo);
  return ends(intermediate) < now + MAX_LEAF_DAYS * DAY_MS && ends(intermediate) < ends(root);
}

/**
 * The record with its intermediate certified again, for the same key: what it issued before and its revocation list
 * stay valid, and nobody has to trust anything new.
 */
export async function renewIntermediate(
  clusterKey: string,
  record: AuthorityRecord,
  now: number,
): Promise<AuthorityRecord> {
  const { root, intermediate, name, permitted } = record;
  const x509 = await loadX509();
  const publicKey = await new x509.X509Certificate(intermediate.certificate).publicKey.export(
    P256,
    ['verify'],
    crypto,
  );
  const certificate = await makeIntermediate(
    { name: `${name} Intermediate`, permitted, publicKey },
    { certificate: root.certificate, key: await unsealKey(clusterKey, record, 'root') },
    now,
  );
  return { ...record, intermediate: { ...intermediate, certificate } };
}

/**
 * Unseals what signs.
 * @throws SeawallError `refused` when the record is a newer version's, was altered, or another cluster's.
 */
export async function openAuthority(
  clusterKey: string,
  key: string,
  record: AuthorityRecord,
): Promise<Authority> {
  ofThisVersion(key, record);
  return { record, signingKey: await unsealKey(clusterKey, record, 'intermediate') };
}

/** What signs for the root; unsealed for as long as it is needed. */
export const rootSigningKey = (clusterKey: string, record: AuthorityRecord): Promise<SigningKey> =>
  unsealKey(clusterKey, record, 'root');

async function unsealKey(
  clusterKey: string,
  record: AuthorityRecord,
  which: 'root' | 'intermediate',
): Promise<SigningKey> {
  const plain = unseal(clusterKey, record[which].key, SEAL.authority(which));
  try {
    return await signingKey(plain);
  } finally {
    plain.fill(0);
  }
}

/** What tells one CA from another: the first 32 hexadecimal digits of its root's SHA-256. */
export const authorityId = ({ root }: Pick<AuthorityRecord, 'root'>): string =>
  fingerprint256(root.certificate).slice(0, 32);

/** SHA-256 of a certificate, hexadecimal digits in lower case without colons. */
export const fingerprint256 = (certificate: string): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();

/** What clients have to trust: the root, PEM. */
export const authorityTrust = ({ root }: Pick<AuthorityRecord, 'root'>): string => root.certificate;

/** Whether a chain (PEM, leaf first) is this CA's: after `ca init --replace` what an earlier one issued is to be replaced too. */
export function isIssuedBy({ intermediate }: Pick<AuthorityRecord, 'intermediate'>, chain: string): boolean {
  return new X509Certificate(chain).verify(new X509Certificate(intermediate.certificate).publicKey);
}
