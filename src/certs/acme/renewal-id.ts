import { SeawallError } from '../../errors.ts';
import { leafDer } from './chain.ts';

/**
 * The name by which a CA finds a certificate's renewal information (RFC 9773 section 4.1): base64url of the authority key identifier, a point,
 * base64url of the serial number's DER bytes.
 * @param certificatePem leaf first.
 * @throws SeawallError `input` when it is no certificate or has no authority key identifier.
 */
export async function renewalId(certificatePem: string): Promise<string> {
  // Loaded by need, as the library's own container asks for it.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const certificate = new x509.X509Certificate(leafDer(certificatePem));
  const keyId = certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) {
    throw new SeawallError(
      'input',
      `the certificate ${certificate.serialNumber} does not say whose key signed it`,
      {
        hint: 'Only certificates of a CA with an authority key identifier have renewal information.',
      },
    );
  }
  return `${base64url(keyId)}.${base64url(derInteger(certificate.serialNumber))}`;
}

const base64url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');

/** The library leaves out the zero byte that DER puts before a positive number whose first bit is set (X.690 section 8.3). */
const derInteger = (hex: string): string => (Number.parseInt(hex.slice(0, 2), 16) >= 0x80 ? `00${hex}` : hex);
