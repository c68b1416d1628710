import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replaceFile } from '../replace-file.ts';
import type { EdgeCapabilities } from './capabilities.ts';
import type { Heard } from './inputs.ts';
import { emptyBook, type GenerationBook } from './lingering.ts';
import type { KeptTls } from './tls-keeper.ts';

/** What the edge loop remembers across its own restarts. */
export interface EdgeSnapshot {
  readonly version: 1;
  readonly heard: Heard;
  /** Addresses that get requests. */
  readonly admitted: readonly string[];
  readonly book: GenerationBook;
  /** Certificates by fingerprint: their files are below the edge's folder. Absent: written by a version without HTTPS. */
  readonly tls?: KeptTls;
  readonly capabilities?: EdgeCapabilities;
}

/** Whether two snapshots hold the same: their parts are compared as they are, without going into them. */
export function isSameSnapshot(one: EdgeSnapshot, other: EdgeSnapshot): boolean {
  const { instances, ...rest } = one.heard;
  const { instances: otherInstances, ...otherRest } = other.heard;
  return (
    isSameParts(
      { ...one, heard: undefined, admitted: one.admitted.join() },
      {
        ...other,
        heard: undefined,
        admitted: other.admitted.join(),
      },
    ) &&
    isSameParts(rest, otherRest) &&
    isSameParts(instances, otherInstances)
  );
}

function isSameParts(one: object, other: object): boolean {
  const [parts, others] = [Object.entries(one), new Map(Object.entries(other))];
  return parts.length === others.size && parts.every(([name, part]) => others.get(name) === part);
}

/** @returns undefined when there is none or it cannot be read: then the catalog has to be waited for. */
export async function readSnapshot(path: string): Promise<EdgeSnapshot | undefined> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as Partial<EdgeSnapshot>;
    if (value.version !== 1 || typeof value.heard?.instances !== 'object') return undefined;
    const { heard, admitted = [], book = emptyBook, tls, capabilities } = value;
    const more = {
      ...(tls === undefined ? {} : { tls }),
      ...(capabilities === undefined ? {} : { capabilities }),
    };
    return { version: 1, heard, admitted, book, ...more };
  } catch {
    return undefined;
  }
}

/** Replaces the snapshot: written aside, synced, renamed. */
export async function writeSnapshot(path: string, snapshot: EdgeSnapshot): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, JSON.stringify(snapshot), 0o600);
}
