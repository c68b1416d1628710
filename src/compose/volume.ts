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

/** `[SOURCE:]TARGET[:OPTIONS]`; `undefined` when it is none. Windows drives keep their colon. */
export function parseVolume(text: string): VolumeSpec | undefined {
  const parts = text
    .replaceAll(/(?<=^|:)([A-Za-z]):(?=[\\/])/g, '$1\0')
    .split(':')
    .map((part) => part.replace('\0', ':'));
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

/** A path without `.`, `..` and doubled or trailing slashes, as Go's `path.Clean`. */
export function clean(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function isPath(source: string): boolean {
  return /^[./~]/.test(source) || source.startsWith('\\\\') || /^[A-Za-z]:/.test(source);
}
