import type { webcrypto } from 'node:crypto';

/** The certificate library, loaded when a certificate is made and not before: it takes a tenth of a second. */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  // The library's own container needs it (tsyringe).
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

export type X509 = Awaited<ReturnType<typeof loadX509>>;
export type SigningKey = webcrypto.CryptoKey;
/** A public key in either of the forms that the library takes. */
export type PublicKey = webcrypto.CryptoKey | import('@peculiar/x509').PublicKey;

/** Keys and signatures of the CA: what every client of the last ten years verifies, and the fastest to verify and sign. */
export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** 16 bytes as hexadecimal digits, positive and without leading zeros, 126 bits of them random (RFC 5280 section 4.1.2.2). */
export function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

/** Clocks of clients may be this far behind. */
export const BACKDATED_MS = 60 * 60 * 1000;
export const DAY_MS = 24 * 60 * 60 * 1000;

/** The time without milliseconds, which certificates do not have. */
export const wholeSecond = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);

/** From a little before now, for so many days, but never beyond what its issuer is valid for. */
export function validityWithin(
  issuer: { readonly notBefore: Date; readonly notAfter: Date } | undefined,
  now: number,
  days: number,
): { readonly notBefore: Date; readonly notAfter: Date } {
  const from = Math.max(now - BACKDATED_MS, issuer?.notBefore.getTime() ?? 0);
  const until = Math.min(now + days * DAY_MS, issuer?.notAfter.getTime() ?? Number.POSITIVE_INFINITY);
  return { notBefore: wholeSecond(from), notAfter: wholeSecond(until) };
}
