import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { SeawallError } from '../errors.ts';

/** Version of the text form; what follows is base64url of nonce, tag and ciphertext. */
const PREFIX = 'sw1.';
const KEY_BYTES = 32;
/** Random nonces of 96 bits are good for 2^32 messages under one key (NIST SP 800-38D, 8.3). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts with AES-256-GCM.
 * @param key 32 bytes, base64: the cluster's key.
 * @param context where the text will stand, such as the catalog's key; unsealing elsewhere fails.
 * @throws SeawallError `refused` when the key is not 32 bytes long.
 */
export function seal(key: string, plaintext: string | Buffer, context: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyBytes(key), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(context, 'utf8'));
  const body = Buffer.concat([
    typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext),
    cipher.final(),
  ]);
  return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

/**
 * Undoes {@link seal}. The error says nothing about the key or the content.
 * @throws SeawallError `refused` when the text was altered, stands elsewhere, or was sealed with another key.
 */
export function unseal(key: string, sealed: string, context: string): Buffer {
  if (!sealed.startsWith(PREFIX)) {
    throw new SeawallError('refused', `${context} is not sealed in a form that this version knows`, {
      hint: 'A newer version of Seawall may have written it.',
    });
  }
  const text = sealed.slice(PREFIX.length);
  const bytes = Buffer.from(text, 'base64url');
  // Buffer skips what is no base64url: only the one canonical spelling counts.
  if (bytes.toString('base64url') !== text || bytes.length < NONCE_BYTES + TAG_BYTES) throw altered(context);
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', keyBytes(key), nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context, 'utf8'));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const plain = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    throw altered(context);
  }
}

const altered = (context: string): SeawallError =>
  new SeawallError('refused', `${context} cannot be unsealed: it was altered, or sealed with another key`, {
    hint: 'Compare the cluster key in /etc/seawall/cluster.json of the hosts.',
  });

function keyBytes(key: string): Buffer {
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length === KEY_BYTES) return bytes;
  throw new SeawallError('refused', 'the cluster key is not 32 bytes in base64', {
    hint: 'Compare /etc/seawall/cluster.json of the hosts.',
  });
}
