import type { FileHandle } from 'node:fs/promises';

/** Where a file's bytes lie in a tar. */
export interface TarEntry {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  /** Target of a symbolic or hard link. */
  readonly link?: string;
}

const blockBytes = 512;

/**
 * Lists a tar without reading its files' bytes: POSIX ustar with the pax and GNU extensions that Go's writer makes
 * (long names, sizes from 8 GiB).
 */
export async function indexTar(file: FileHandle): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  const header = Buffer.alloc(blockBytes);
  let extended: Record<string, string> = {};
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(header, 0, blockBytes, at);
    if (bytesRead < blockBytes || header[0] === 0) return entries;
    const type = String.fromCharCode(header[156] ?? 0);
    const bytes = extended.size === undefined ? numberField(header, 124, 12) : Number(extended.size);
    const offset = at + blockBytes;
    at = offset + Math.ceil(bytes / blockBytes) * blockBytes;
    if (type === 'x' || type === 'L' || type === 'K') {
      extended = { ...extended, ...extension(type, await readBytes(file, offset, bytes)) };
      continue;
    }
    const link = extended.linkpath ?? textField(header, 157, 100);
    const name = extended.path ?? shortName(header);
    if (type === '0' || type === '\0') entries.push({ name, offset, bytes });
    else if (type === '1' || type === '2') entries.push({ name, offset, bytes: 0, link });
    if (type !== 'g') extended = {};
  }
}

/** Bytes of a file inside the tar. */
export async function readBytes(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, offset);
  return buffer.subarray(0, bytesRead);
}

function shortName(header: Buffer): string {
  const prefix = textField(header, 345, 155);
  const name = textField(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function extension(type: string, content: Buffer): Record<string, string> {
  if (type === 'L') return { path: textField(content, 0, content.byteLength) };
  if (type === 'K') return { linkpath: textField(content, 0, content.byteLength) };
  const values: Record<string, string> = {};
  for (let at = 0; at < content.byteLength; ) {
    const space = content.indexOf(32, at);
    const length = Number(content.toString('latin1', at, space));
    if (!(length > 0)) break;
    const record = content.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    values[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return values;
}

function textField(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
}

function numberField(header: Buffer, start: number, length: number): number {
  // GNU's base-256: the high bit marks it (tar manual, "Basic Tar Format").
  if ((header[start] ?? 0) & 0x80) return Number(header.readBigUInt64BE(start + length - 8));
  return Number.parseInt(textField(header, start, length).trim() || '0', 8);
}
