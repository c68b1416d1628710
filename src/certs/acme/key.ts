import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyType } from '../../catalog/tls-record.ts';

const generate = promisify(generateKeyPair);
const RSA_BITS = 2048;

/** A new private key, PKCS #8 PEM: P-256 or RSA of 2048 bits (what CAs take and browsers like best; Mozilla's guidelines 6.0). */
export async function makeKey(type: KeyType): Promise<string> {
  const { privateKey } =
    type === 'ecdsa'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: RSA_BITS });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
