import { gunzipSync, gzipSync } from 'node:zlib';

/** Bytes up to which a value of the catalog stays as it is, for whoever looks at it with curl. */
const PLAIN_BYTES = 128 * 1024;
/** What no record of Seawall's comes near. */
const MOST_BYTES = 64 * 1024 * 1024;
const VALUE_PREFIX = 'gzip:';

/** A text in fewer bytes. */
export const pack = (text: string): Buffer => gzipSync(text, { level: 9 });

/**
 * Undoes {@link pack}; bytes that are no gzip (RFC 1952, section 2.3.1) are the text itself.
 * @throws what zlib says of damaged bytes, or of more than 64 MiB.
 */
export function unpack(bytes: Buffer): string {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return (isPacked ? gunzipSync(bytes, { maxOutputLength: MOST_BYTES }) : bytes).toString('utf8');
}

/** A text as a value of the catalog, which takes 512 KiB: as it is, or packed when it is long. */
export const packValue = (text: string): string =>
  Buffer.byteLength(text) > PLAIN_BYTES ? VALUE_PREFIX + pack(text).toString('base64') : text;

/** Undoes {@link packValue}. @throws as {@link unpack}. */
export const unpackValue = (value: string): string =>
  value.startsWith(VALUE_PREFIX) ? unpack(Buffer.from(value.slice(VALUE_PREFIX.length), 'base64')) : value;
