import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { replaceFile } from '../replace-file.ts';
import { pause, retryDelayMs } from '../retry.ts';
import type { CatalogClient } from './client.ts';
import { releasesIn } from './release-file.ts';
import { isSnapshotName, snapshotFileText, snapshotName, snapshotsToForget } from './snapshot-file.ts';

export interface SnapshotKeeperOptions {
  readonly client: Pick<CatalogClient, 'snapshot'>;
  /** Made when missing (0700). */
  readonly folder: string;
  /** The releases once more, in a file of their own. */
  readonly releasesPath: string;
  /** Cluster id. */
  readonly cluster: string;
  /** Of the catalog that the client asks at the moment. */
  readonly epoch: () => number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** Milliseconds without a lasting change until the rest (services, health) is taken too; default 30000. */
  readonly waitMs?: number;
}

/** Shortest time between two snapshots, and milliseconds per byte of the last one: 200 kB a second at the most. */
const PAUSE_MS = 1_000;
const MS_PER_BYTE = 1 / 200;
const ABSENT_MS = 60_000;

/**
 * Keeps a checked snapshot of the whole catalog on this host: within about a second of every lasting change, and every 30
 * seconds of what changes by itself. Sealed content is sealed in it too. @returns once the signal is aborted; never rejects.
 */
export async function keepSnapshots(options: SnapshotKeeperOptions): Promise<void> {
  const { client, signal, log, epoch, waitMs = 30_000 } = options;
  let seen: { readonly epoch: number; readonly index: number } | undefined;
  let failures = 0;
  let said = '';
  let releases = '';
  while (!signal.aborted) {
    try {
      const now = epoch();
      const wait = seen?.epoch === now ? { index: seen.index, waitMs } : {};
      const { value: content, index } = await client.snapshot({ ...wait, signal });
      // It was asked of one catalog and may have been answered by the next.
      if (content !== undefined && now === epoch()) {
        await writeSnapshotFile(options, now, index, content);
        releases = await writeReleases(options.releasesPath, content, releases);
      }
      seen = { epoch: now, index };
      failures = 0;
      said = '';
      await pause(Math.max(PAUSE_MS, (content?.length ?? 0) * MS_PER_BYTE), signal);
    } catch (error) {
      if (signal.aborted) return;
      seen = undefined;
      failures += 1;
      const text = describeError(error);
      if (text !== said) log(`warn snapshots: ${text}`);
      said = text;
      const isAbsent = error instanceof SeawallError && error.code === 'refused';
      await pause(isAbsent ? ABSENT_MS : retryDelayMs(failures), signal);
    }
  }
}

async function writeSnapshotFile(
  { folder, cluster }: SnapshotKeeperOptions,
  epoch: number,
  index: number,
  content: string,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const text = snapshotFileText(
    {
      seawall: 'catalog snapshot',
      version: 1,
      cluster,
      epoch,
      index,
      takenAt: new Date().toISOString(),
      sha256: sha256(content),
    },
    content,
  );
  await replaceFile(join(folder, snapshotName(epoch, index)), text, 0o600);
  await forgetOld(folder);
}

/** A catalog that knows no release at all may have lost its data: what is in the file stays. @returns what is in it. */
async function writeReleases(path: string, content: string, before: string): Promise<string> {
  const releases = releasesIn(content);
  const text = JSON.stringify(releases);
  if (text === before || Object.keys(releases).length === 0) return before;
  await replaceFile(path, text, 0o600);
  return text;
}

async function forgetOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter(isSnapshotName);
  const files = await Promise.all(
    names.map(async (name) => ({ name, writtenMs: (await stat(join(folder, name))).mtimeMs })),
  );
  for (const name of snapshotsToForget(files)) await rm(join(folder, name), { force: true });
}
