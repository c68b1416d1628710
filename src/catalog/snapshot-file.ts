import { SeawallError } from '../errors.ts';

/** First line of a host's snapshot file; below it stands the catalog's whole content as the catalog itself writes it. */
export interface SnapshotHeader {
  readonly seawall: 'catalog snapshot';
  readonly version: 1;
  /** Cluster id. */
  readonly cluster: string;
  readonly epoch: number;
  /** Of the last commit in it; of two snapshots of one epoch the higher one is newer. */
  readonly index: number;
  /** ISO time, by the clock of the host that wrote it. */
  readonly takenAt: string;
  /** SHA-256 of what follows, in hex. */
  readonly sha256: string;
}

/** The text of a snapshot file. */
export const snapshotFileText = (header: SnapshotHeader, content: string): string =>
  `${JSON.stringify(header)}\n${content}`;

/**
 * Reads a snapshot file.
 * @throws SeawallError `refused` when it is damaged, incomplete or of an unknown version.
 */
export function parseSnapshotFile(
  text: string,
  where: string,
  sha256: (text: string) => string,
): { readonly header: SnapshotHeader; readonly content: string } {
  const cut = text.indexOf('\n');
  const header = parseHeader(text.slice(0, Math.max(0, cut)));
  const content = text.slice(cut + 1);
  if (header?.seawall === 'catalog snapshot' && header.version === 1 && header.sha256 === sha256(content))
    return { header, content };
  throw new SeawallError('refused', `${where} is no whole snapshot of a catalog`, {
    where,
    hint: 'Take another one: seawall catalog status shows which there are and which are good.',
  });
}

function parseHeader(line: string): SnapshotHeader | undefined {
  try {
    return JSON.parse(line) as SnapshotHeader;
  } catch {
    return undefined;
  }
}

const NAME = /^(\d{10})-(\d{16})\.snapshot$/;
const HOUR_MS = 3_600_000;
/** As many of the newest, and the last of as many hours and days. */
const KEPT = 3;

/** Names sort as the snapshots follow each other. */
export const snapshotName = (epoch: number, index: number): string =>
  `${String(epoch).padStart(10, '0')}-${String(index).padStart(16, '0')}.snapshot`;

/** Of names of files the one of the newest snapshot, with its index. */
export function newestSnapshot(
  names: readonly string[],
): { readonly name: string; readonly index: number } | undefined {
  const name = names.filter(isSnapshotName).sort().at(-1);
  return name === undefined ? undefined : { name, index: Number(NAME.exec(name)?.[2]) };
}

export const isSnapshotName = (name: string): boolean => NAME.test(name);

/** A snapshot file in a folder. */
export interface KeptSnapshot {
  readonly name: string;
  /** Milliseconds since the epoch at which it was written. */
  readonly writtenMs: number;
}

/**
 * Which files may go: all but the newest three and the last one of each of three hours and three days. A catalog that lost its
 * data counts from 1 again: the three that were written last stay too, and do not push the older content out.
 */
export function snapshotsToForget(files: readonly KeptSnapshot[]): string[] {
  const newestFirst = files.toSorted((a, b) => (a.name < b.name ? 1 : -1));
  const lastWritten = files.toSorted((a, b) => b.writtenMs - a.writtenMs);
  const kept = new Set(
    [...newestFirst.slice(0, KEPT), ...lastWritten.slice(0, KEPT)].map(({ name }) => name),
  );
  for (const spanMs of [HOUR_MS, 24 * HOUR_MS]) {
    const spans = new Set<number>();
    for (const { name, writtenMs } of newestFirst) {
      const span = Math.floor(writtenMs / spanMs);
      if (spans.has(span) || spans.size === KEPT) continue;
      spans.add(span);
      kept.add(name);
    }
  }
  return newestFirst.map(({ name }) => name).filter((name) => !kept.has(name));
}
