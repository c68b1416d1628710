/** Texts of certificate revocation lists (RFC 5280 section 5), as far as anybody but their issuer has to know them. */

const BLOCK = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+?)-----END X509 CRL-----/g;
const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

/** A list as PEM (RFC 7468 section 6), with a newline at the end. */
export function revocationPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
}

/**
 * The lists of a PEM text and nothing else that it may hold.
 * @returns undefined when there is none, or one that is no list: what to be signed, how, and the signature (section 5.1).
 */
export function cleanRevocationLists(text: string): string | undefined {
  const lists = [...text.matchAll(BLOCK)].map(([, base64 = '']) => Buffer.from(base64, 'base64'));
  if (lists.length === 0 || !lists.every(isList)) return undefined;
  return lists.map(revocationPem).join('');
}

function isList(der: Uint8Array): boolean {
  const outer = element(der, 0);
  if (outer?.tag !== SEQUENCE || outer.end !== der.length) return false;
  const tags: number[] = [];
  for (let at = outer.start; at < outer.end; ) {
    const inner = element(der, at);
    if (inner === undefined || inner.end > outer.end) return false;
    tags.push(inner.tag);
    at = inner.end;
  }
  return tags.join() === [SEQUENCE, SEQUENCE, BIT_STRING].join();
}

/** Tag and place of the value of the DER element at `at` (X.690 section 8.1); undefined: it does not fit. */
function element(der: Uint8Array, at: number): { tag: number; start: number; end: number } | undefined {
  const [tag, first] = [der[at], der[at + 1]];
  if (tag === undefined || first === undefined) return undefined;
  const more = first < 0x80 ? 0 : first - 0x80;
  if (first === 0x80 || more > 4) return undefined;
  let length = more === 0 ? first : 0;
  for (const byte of der.subarray(at + 2, at + 2 + more)) length = length * 256 + byte;
  const start = at + 2 + more;
  return start + length <= der.length ? { tag, start, end: start + length } : undefined;
}
