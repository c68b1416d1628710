import { posix } from 'node:path';

/** The short form of a service's volume, taken apart. */
export interface VolumeSpec {
  readonly type: 'bind' | 'volume';
  readonly source?: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly noCopy: boolean;
  readonly propagation?: string;
  readonly selinux?: string;
}

const PROPAGATION = /^r?(private|shared|slave)$/;

/** `[SOURCE:]TARGET[:OPTIONS]`; `undefined` when it is none. A letter and a colon are a Windows drive, as in Docker Compose. */
export function parseVolume(text: string): VolumeSpec | undefined {
  const parts = text.length <= 2 ? [text] : sections(text);
  if (text === '' || parts.length > 3 || parts.some((part) => part === '')) return undefined;
  const [first = '', second, options = ''] = parts;
  const base = { readOnly: false, noCopy: false };
  if (second === undefined) return { type: 'volume', target: clean(first), ...base };
  const written = options.split(',');
  const propagation = written.findLast((option) => PROPAGATION.test(option));
  const selinux = written.findLast((option) => option === 'z' || option === 'Z');
  return {
    type: isPath(first) ? 'bind' : 'volume',
    source: first,
    target: clean(second),
    readOnly: written.findLast((option) => option === 'ro' || option === 'rw') === 'ro',
    noCopy: written.includes('nocopy'),
    ...(propagation === undefined ? {} : { propagation }),
    ...(selinux === undefined ? {} : { selinux }),
  };
}

function sections(text: string): readonly string[] {
  const parts: string[] = [];
  for (const piece of text.split(':')) {
    const last = parts.at(-1);
    if (last !== undefined && /^\p{L}$/u.test(last)) parts[parts.length - 1] = `${last}:${piece}`;
    else parts.push(piece);
  }
  return parts;
}

/** A path without `.`, `..` and doubled or trailing slashes, as Go's `path.Clean`. */
export function clean(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function isPath(source: string): boolean {
  return /^[./~]/.test(source) || source.startsWith('\\\\') || /^\p{L}:/u.test(source);
}
