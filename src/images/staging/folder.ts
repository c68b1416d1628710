import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { SeawallError } from '../../errors.ts';

/** Where the helper has the volume of waiting layers. */
export const STAGING_FOLDER = '/staging';

interface AsideFile {
  write(chunk: Buffer): Promise<void>;
  close(diffId: string | undefined): Promise<void>;
}

/**
 * Layers that wait on a host, a file each: `DIGEST` is whole and was checked, `DIGEST.part` grows. What a cut transfer
 * left is gone on with.
 */
export class LayerFolder {
  readonly path: string;

  constructor(project: string, root = STAGING_FOLDER) {
    if (!/^[\w][\w.-]*$/.test(project)) throw new SeawallError('bug', `${project} is no name for a folder`);
    this.path = join(root, project);
  }

  file(diffId: string): string {
    return join(this.path, hexOf(diffId));
  }

  /** Diff-id → bytes that are here; a part lacks one at least, as it is not checked before that has come. */
  async list(): Promise<Record<string, number>> {
    const names = await readdir(this.path).catch(ignoreMissing);
    const found: Record<string, number> = {};
    for (const name of names ?? []) {
      const match = /^([0-9a-f]{64})(\.part)?$/.exec(name);
      if (match === null) continue;
      const { size } = await stat(join(this.path, name));
      const diffId = `sha256:${match[1]}`;
      // The whole one counts also where a part was left beside it.
      if (match[2] === undefined) found[diffId] = size;
      else found[diffId] ??= Math.max(0, size - 1);
    }
    return found;
  }

  async isWhole(diffId: string): Promise<boolean> {
    return (await stat(this.file(diffId)).catch(ignoreMissing)) !== undefined;
  }

  /** Bytes of the part that is here of a layer that is not whole. */
  async partBytes(diffId: string): Promise<number> {
    return (await stat(`${this.file(diffId)}.part`).catch(ignoreMissing))?.size ?? 0;
  }

  /**
   * Writes the rest of a layer behind byte `from`, and makes it whole when its digest is right. What arrived stays when
   * `content` breaks off. Throws `docker` for other bytes than promised; then they are gone.
   */
  async add(diffId: string, from: number, content: AsyncIterable<Buffer>): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const part = `${this.file(diffId)}.part`;
    const hash = createHash('sha256');
    if (from > 0) for await (const chunk of createReadStream(part, { end: from - 1 })) hash.update(chunk);
    const file = await open(part, from === 0 ? 'w' : 'r+', 0o600);
    let at = from;
    try {
      await file.truncate(from);
      for await (const chunk of content) {
        hash.update(chunk);
        await writeWhole(file, chunk, at);
        at += chunk.byteLength;
      }
      await file.datasync();
    } catch (error) {
      // Nothing came: nothing is to be gone on with.
      if (at === 0) await rm(part, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    if (`sha256:${hash.digest('hex')}` !== diffId) {
      await rm(part, { force: true });
      throw new SeawallError('docker', `layer ${diffId} arrived with other bytes`);
    }
    await rename(part, this.file(diffId));
  }

  /** A new file that is given a layer's name once it is known which one it is, or none. */
  async aside(): Promise<AsideFile> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const path = join(this.path, 'aside');
    const file = await open(path, 'w', 0o600);
    let at = 0;
    return {
      write: async (chunk) => {
        await writeWhole(file, chunk, at);
        at += chunk.byteLength;
      },
      close: async (diffId) => {
        await file.datasync().finally(() => file.close());
        if (diffId === undefined) await rm(path);
        else await rename(path, this.file(diffId));
      },
    };
  }

  read(diffId: string, start = 0): Readable {
    return createReadStream(this.file(diffId), { start });
  }

  async bytes(diffId: string): Promise<number> {
    return (await stat(this.file(diffId))).size;
  }

  async clear(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** A disk that becomes full takes the beginning of a piece, and says so only to the next call. */
async function writeWhole(file: FileHandle, piece: Buffer, position: number): Promise<void> {
  for (let done = 0; done < piece.byteLength; ) {
    const left = piece.byteLength - done;
    done += (await file.write(piece, done, left, position + done)).bytesWritten;
  }
}

/** Days after which an upload that nobody went on with is given up. */
const forgottenAfterDays = 7;

/** Removes what projects left here long ago. */
export async function removeForgotten(root = STAGING_FOLDER): Promise<void> {
  const oldest = Date.now() - forgottenAfterDays * 24 * 60 * 60 * 1000;
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const info = await stat(path).catch(ignoreMissing);
    if (info !== undefined && info.mtimeMs < oldest) await rm(path, { recursive: true, force: true });
  }
}

export function hexOf(diffId: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(diffId);
  if (match?.[1] !== undefined) return match[1];
  throw new SeawallError('bug', `${diffId} is no digest of a layer`);
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
