import { createPrivateKey, type webcrypto } from 'node:crypto';
import type { KeyType } from '../../catalog/tls-record.ts';
import { P256, type SigningKey } from './x509.ts';

/** RSA 2048 with SHA-256: what Mozilla's guidelines 6.0 name for old clients. */
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
} as const;

export function makeKeyPair(type: KeyType): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(type === 'rsa' ? RSA : P256, true, ['sign', 'verify']);
}

/** PKCS #8 PEM. */
export async function privateKeyPem(key: SigningKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  });
  der.fill(0);
  return pem.toString();
}

/** An ECDSA P-256 key from PKCS #8 PEM, to sign with and not to be taken out again. */
export function signingKey(pem: Buffer): Promise<SigningKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), P256, false, ['sign']);
}
