import { X509Certificate } from 'node:crypto';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { CertificateKey, CertificateRecord, KeyType } from '../src/catalog/tls-record.ts';
import { certificateId, SEAL } from '../src/catalog/tls-record.ts';
import { sha256 } from '../src/hash.ts';
import { revocationPem } from '../src/revocation-text.ts';
import { seal } from '../src/secrets/index.ts';

export interface IssuedCertificate {
  /** PEM. */
  readonly chain: string;
  readonly key: string;
}

export interface IssueChange {
  readonly type?: KeyType;
  readonly bits?: number;
  readonly isClient?: boolean;
}

/** A CA that a test made for itself. */
export interface TestRoot {
  /** PEM. */
  readonly certificate: string;
  readonly issue: (names: readonly string[], change?: IssueChange) => Promise<IssuedCertificate>;
  /** PEM of a list that revokes these. */
  readonly revoke: (issued: readonly Pick<IssuedCertificate, 'chain'>[]) => Promise<string>;
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;

/** Makes a CA; it lives for ten days. */
export async function makeRoot(name = 'CN=Test root'): Promise<TestRoot> {
  const keys = await crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
  const dates = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 10 * dayMs) };
  const root = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial(),
      name,
      ...dates,
      signingAlgorithm: ecdsa,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    crypto,
  );
  const issue: TestRoot['issue'] = async (names, { type = 'ecdsa', bits = 2048, isClient = false } = {}) => {
    const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };
    const own =
      type === 'ecdsa'
        ? await crypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
        : await crypto.subtle.generateKey({ ...rsa, modulusLength: bits }, true, ['sign', 'verify']);
    const usage = isClient ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: serial(),
        subject: `CN=${names[0]}`,
        issuer: root.subject,
        ...dates,
        signingKey: keys.privateKey,
        signingAlgorithm: ecdsa,
        publicKey: own.publicKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.ExtendedKeyUsageExtension([usage]),
          new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ],
      },
      crypto,
    );
    const pkcs8 = await crypto.subtle.exportKey('pkcs8', own.privateKey);
    return {
      chain: `${certificate.toString('pem')}\n`,
      key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    };
  };
  const revoke: TestRoot['revoke'] = async (issued) => {
    const entries = issued.map(({ chain }) => ({
      serialNumber: new x509.X509Certificate(chain).serialNumber,
      reason: x509.X509CrlReason.keyCompromise,
    }));
    const list = await x509.X509CrlGenerator.create({
      ...{ issuer: root.subject, thisUpdate: dates.notBefore, nextUpdate: dates.notAfter },
      ...{ signingAlgorithm: ecdsa, signingKey: keys.privateKey, entries },
      extensions: [await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey)],
    });
    return revocationPem(new Uint8Array(list.rawData));
  };
  return { certificate: `${root.toString('pem')}\n`, issue, revoke };
}

const serial = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('hex');

/** The record of live certificates as whoever gets them writes it; keys are sealed. */
export function certificateRecord(
  names: readonly string[],
  issued: readonly (IssuedCertificate & { readonly type?: KeyType })[],
  clusterKey: string,
  change: Partial<CertificateRecord> = {},
): CertificateRecord {
  const id = change.id ?? certificateId(names[0] ?? '');
  const keys = issued.map(({ chain, key, type = 'ecdsa' }): CertificateKey => {
    const leaf = new X509Certificate(chain);
    return {
      type,
      chain,
      key: seal(clusterKey, key, SEAL.key(id)),
      fingerprint: sha256(leaf.raw).slice(0, 32),
      serial: leaf.serialNumber.toLowerCase(),
    };
  });
  const leaf = new X509Certificate(issued[0]?.chain ?? '');
  return {
    id,
    names,
    source: 'acme',
    issuer: 'test',
    isInterim: false,
    keys,
    notBefore: new Date(leaf.validFrom).toISOString(),
    notAfter: new Date(leaf.validTo).toISOString(),
    ...change,
  };
}
