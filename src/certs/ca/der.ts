/** The little DER (X.690) that the certificate library has no words for. Pure. */

const TAG = { integer: 0x02, sequence: 0x30 } as const;
/** Class context-specific, constructed. */
const explicitTag = (number: number): number => 0xa0 | number;

/** One element: tag, length (X.690 section 8.1.3), content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = Buffer.concat(content);
  return Uint8Array.from([tag, ...lengthOctets(body.length), ...body]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

/** A number that is not negative. */
export function integer(value: bigint): Uint8Array<ArrayBuffer> {
  const digits = value.toString(16);
  // One more octet where the first bit would be taken for a sign.
  const padded = digits.length % 2 === 1 ? `0${digits}` : digits;
  const octets = Buffer.from(/^[89a-f]/.test(padded) ? `00${padded}` : padded, 'hex');
  return element(TAG.integer, octets);
}

/** Reads what {@link integer} wrote; undefined for anything else. */
export function parseInteger(der: Uint8Array): bigint | undefined {
  const [tag, length, ...octets] = der;
  if (tag !== TAG.integer || length !== octets.length || octets.length === 0) return undefined;
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}

/**
 * NameConstraints (RFC 5280 section 4.2.1.10).
 * @param permitted GeneralNames in DER; what of their kinds lies in none of them is refused.
 * @param excluded GeneralNames in DER; what lies in one of them is refused.
 */
export function nameConstraints(
  permitted: readonly Uint8Array[],
  excluded: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const subtrees = (number: number, names: readonly Uint8Array[]) =>
    names.length === 0
      ? []
      : [element(explicitTag(number), ...names.map((name) => element(TAG.sequence, name)))];
  return element(TAG.sequence, ...subtrees(0, permitted), ...subtrees(1, excluded));
}
