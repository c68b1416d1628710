/** Texts of certificate revocation lists (RFC 5280 section 5), as far as anybody but their issuer has to know them. */

const BLOCK = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+?)-----END X509 CRL-----/g;
const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
const INTEGER = 0x02;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

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

/**
 * When a list ends: `nextUpdate` (section 5.1.2.5).
 * @returns milliseconds of the epoch; undefined when it does not say, or is no list.
 */
export function revocationListEnd(der: Uint8Array): number | undefined {
  const [signed] = isList(der) ? (elementsIn(der, element(der, 0)) ?? []) : [];
  // Without the version, which is optional: algorithm, issuer, this update, next update.
  const parts = (elementsIn(der, signed) ?? []).filter(({ tag }, at) => at > 0 || tag !== INTEGER);
  const [, , , next] = parts;
  return next === undefined
    ? undefined
    : timeOf(next.tag, Buffer.from(der.subarray(next.start, next.end)).toString('latin1'));
}

/** UTCTime and GeneralizedTime, as RFC 5280 section 4.1.2.5 restricts them. */
function timeOf(tag: number, text: string): number | undefined {
  const isShort = tag === UTC_TIME && /^\d{12}Z$/.test(text);
  if (!isShort && !(tag === GENERALIZED_TIME && /^\d{14}Z$/.test(text))) return undefined;
  const full = isShort ? `${Number(text.slice(0, 2)) < 50 ? 20 : 19}${text}` : text;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(..)(..)(..)(..)(..)Z$/.exec(full) ?? [];
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? undefined : at;
}

function isList(der: Uint8Array): boolean {
  const outer = element(der, 0);
  if (outer?.tag !== SEQUENCE || outer.end !== der.length) return false;
  const tags = elementsIn(der, outer)?.map(({ tag }) => tag);
  return tags?.join() === [SEQUENCE, SEQUENCE, BIT_STRING].join();
}

interface Element {
  readonly tag: number;
  /** Of the value. */
  readonly start: number;
  readonly end: number;
}

/** What stands in an element; undefined: it does not fit. */
function elementsIn(der: Uint8Array, outer: Element | undefined): Element[] | undefined {
  const found: Element[] = [];
  for (let at = outer?.start ?? 0; outer !== undefined && at < outer.end; ) {
    const inner = element(der, at);
    if (inner === undefined || inner.end > outer.end) return undefined;
    found.push(inner);
    at = inner.end;
  }
  return found;
}

/** Tag and place of the value of the DER element at `at` (X.690 section 8.1); undefined: it does not fit. */
function element(der: Uint8Array, at: number): Element | undefined {
  const [tag, first] = [der[at], der[at + 1]];
  if (tag === undefined || first === undefined) return undefined;
  const more = first < 0x80 ? 0 : first - 0x80;
  if (first === 0x80 || more > 4) return undefined;
  let length = more === 0 ? first : 0;
  for (const byte of der.subarray(at + 2, at + 2 + more)) length = length * 256 + byte;
  const start = at + 2 + more;
  return start + length <= der.length ? { tag, start, end: start + length } : undefined;
}
