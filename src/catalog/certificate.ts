import { CATALOG_TLS_NAME } from '../cluster.ts';

/** What makes a catalog this cluster's own. */
export interface CatalogCertificate {
  /** PEM, self-signed; clients trust it and nothing else. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly privateKey: string;
  /** 32 random bytes, base64url. */
  readonly token: string;
}

const VALID_YEARS = 20;
/** It is pinned, so its dates say nothing: a machine whose clock is years behind accepts it too. */
const BACKDATED_MS = 10 * 365 * 24 * 60 * 60 * 1000;
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Makes a key, a self-signed certificate for {@link CATALOG_TLS_NAME} and a token, all new. */
export async function makeCatalogCertificate(now: Date = new Date()): Promise<CatalogCertificate> {
  // The library's own container needs it (tsyringe), and both are needed nowhere else.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + VALID_YEARS);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
      name: `CN=${CATALOG_TLS_NAME}`,
      notBefore: new Date(now.getTime() - BACKDATED_MS),
      notAfter,
      signingAlgorithm: P256,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: CATALOG_TLS_NAME }]),
      ],
    },
    crypto,
  );
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
    token: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url'),
  };
}
