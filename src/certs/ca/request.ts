import { createPublicKey } from 'node:crypto';
import { describeError, SeawallError } from '../../errors.ts';
import { loadX509 } from './x509.ts';

/** Elliptic curves that TLS clients take in certificates (RFC 8446 section 4.2.3), in OpenSSL's words. */
const CURVES = ['prime256v1', 'secp384r1', 'secp521r1'];
const MIN_RSA_BITS = 2048;

/**
 * The public key of a certificate signing request (PKCS #10, RFC 2986; PEM or DER), of which nothing else is taken: names and
 * purpose are the CA's to say.
 * @throws SeawallError `input` when it cannot be read, whoever made it does not have the key, or the key is weak.
 */
export async function requestedKey(csr: string | Uint8Array): Promise<import('@peculiar/x509').PublicKey> {
  const x509 = await loadX509();
  const hint =
    'Make one: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout NAME.key -subj / -out NAME.csr';
  let request: import('@peculiar/x509').Pkcs10CertificateRequest;
  let isOwn: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(typeof csr === 'string' ? csr : new Uint8Array(csr));
    isOwn = await request.verify(crypto);
  } catch (cause) {
    throw new SeawallError('input', `the request cannot be read: ${describeError(cause)}`, { hint });
  }
  if (!isOwn) {
    throw new SeawallError('input', 'the request is not signed with the key that it is for', { hint });
  }
  const key = createPublicKey({
    key: Buffer.from(request.publicKey.rawData),
    format: 'der',
    type: 'spki',
  });
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const isStrong =
    key.asymmetricKeyType === 'rsa' ? modulusLength >= MIN_RSA_BITS : CURVES.includes(namedCurve);
  if (isStrong) return request.publicKey;
  const kind = `${key.asymmetricKeyType} ${modulusLength || namedCurve}`.trim();
  throw new SeawallError('input', `the request is for a key that TLS clients do not take: ${kind}`, {
    hint: `It has to be ECDSA (P-256, P-384, P-521) or RSA of ${MIN_RSA_BITS} bits at least. ${hint}`,
  });
}
