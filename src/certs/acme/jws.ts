import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, type FlattenedJWS, FlattenedSign, type JWK } from 'jose';
import type { AccountBinding } from '../../catalog/tls-record.ts';
import { SeawallError } from '../../errors.ts';

/** An account's key pair, ready to sign. */
export interface AccountKey {
  readonly key: KeyObject;
  /** Public part: kty, crv, x, y and nothing else. */
  readonly jwk: JWK;
}

/** Who signs: an account that the server knows, or a key that it does not know yet (RFC 8555 section 6.2). */
type Signer = { readonly kid: string } | { readonly jwk: JWK };

/**
 * @param pem PKCS #8, P-256.
 * @throws SeawallError `refused` when it is another kind of key, without showing it.
 */
export function accountKey(pem: string): AccountKey {
  const wrong = (): SeawallError =>
    new SeawallError('refused', 'the account key is no P-256 key in PKCS #8', {
      hint: 'Seawall makes account keys itself; one that was put there by hand has to be of this kind.',
    });
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Its message is left out on purpose: it may quote the text.
    throw wrong();
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw wrong();
  const { kty = '', crv = '', x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  return { key, jwk: { kty, crv, x, y } };
}

/** A request body (RFC 8555 section 6.2); `payload` undefined: POST-as-GET (section 6.3). */
export function signRequest(
  { key }: AccountKey,
  signer: Signer,
  url: string,
  nonce: string,
  payload: unknown,
): Promise<FlattenedJWS> {
  return new FlattenedSign(bytes(payload))
    .setProtectedHeader({ alg: 'ES256', ...signer, nonce, url })
    .sign(key);
}

/** The inner part of a key rollover, signed by the new key, without a nonce (RFC 8555 section 7.3.5). */
export function signRollover(
  { key, jwk }: AccountKey,
  url: string,
  kid: string,
  oldKey: JWK,
): Promise<FlattenedJWS> {
  return new FlattenedSign(bytes({ account: kid, oldKey }))
    .setProtectedHeader({ alg: 'ES256', jwk, url })
    .sign(key);
}

/**
 * The proof that the account belongs to a customer of the CA (RFC 8555 section 7.3.4).
 * @throws SeawallError `input` when the key is no base64url, without showing it.
 */
export function signBinding({ keyId, key }: AccountBinding, url: string, jwk: JWK): Promise<FlattenedJWS> {
  // Some CAs show it with padding or in plain base64.
  const text = key.trim().replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_');
  const secret = Buffer.from(text, 'base64url');
  if (secret.length === 0 || secret.toString('base64url') !== text) {
    throw new SeawallError('input', `the key of the external account binding ${keyId} is not base64url`, {
      hint: 'Copy it from the CA once more, whole.',
    });
  }
  return new FlattenedSign(bytes(jwk))
    .setProtectedHeader({ alg: 'HS256', kid: keyId, url })
    .sign(new Uint8Array(secret));
}

/**
 * What answers a challenge (RFC 8555 section 8.1): the token and the thumbprint of the account's key (RFC 7638).
 * @param accountKeyPem PKCS #8, P-256.
 */
export async function keyAuthorization(token: string, accountKeyPem: string): Promise<string> {
  return `${token}.${await calculateJwkThumbprint(accountKey(accountKeyPem).jwk)}`;
}

/** The value of the TXT record `_acme-challenge.NAME` (RFC 8555 section 8.4). */
export const dnsValue = (authorization: string): string =>
  createHash('sha256').update(authorization).digest('base64url');

const bytes = (payload: unknown): Uint8Array =>
  new TextEncoder().encode(payload === undefined ? '' : JSON.stringify(payload));
