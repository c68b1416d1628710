import { type FileHandle, open } from 'node:fs/promises';

/** A place in a log that is rotated by renaming: which file, and how far it was read. */
export interface LogPosition {
  readonly inode: number;
  readonly offset: number;
}

const chunkBytes = 1024 * 1024;
/** Reads of an old file, after the new one appeared, until nobody writes to it any more. */
const lastLooks = 8;

/** Reads what is added to a log, also over a rotation to `PATH.1`. */
export class LogTail {
  readonly #path: string;
  #file: FileHandle | undefined;
  #inode = 0;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  #looksAtOld = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Start of the first line that was not given out yet. */
  get position(): LogPosition {
    return { inode: this.#inode, offset: this.#offset - this.#rest.length };
  }

  /** Goes to a former position if that file is still there, otherwise to the end of the present one. */
  async start(from?: LogPosition): Promise<void> {
    await this.close();
    if (from !== undefined) {
      for (const path of [this.#path, `${this.#path}.1`]) {
        if (!(await this.#open(path))) continue;
        if (this.#inode === from.inode) {
          this.#offset = from.offset;
          return;
        }
      }
    }
    if (await this.#open(this.#path)) this.#offset = (await this.#file?.stat())?.size ?? 0;
  }

  /**
   * Whole lines added since the last call. A file that appears later is read from its start.
   * @param isFinal nobody writes to a renamed file any more: go on to the new one at once.
   */
  async lines(isFinal = false): Promise<string[]> {
    if (this.#file === undefined && !(await this.#open(this.#path))) return [];
    const lines = await this.#readLines();
    if (!(await this.#isReplaced())) return lines;
    this.#looksAtOld += 1;
    if (!isFinal && (this.#looksAtOld < lastLooks || lines.length > 0)) return lines;
    await this.#open(this.#path);
    return [...lines, ...(await this.#readLines())];
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    this.#rest = Buffer.alloc(0);
    this.#looksAtOld = 0;
  }

  async #open(path: string): Promise<boolean> {
    await this.close();
    try {
      this.#file = await open(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    this.#inode = (await this.#file.stat()).ino;
    this.#offset = 0;
    return true;
  }

  async #readLines(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const chunk = Buffer.alloc(chunkBytes);
      const { bytesRead } = (await this.#file?.read(chunk, 0, chunkBytes, this.#offset)) ?? { bytesRead: 0 };
      if (bytesRead === 0) return lines;
      this.#offset += bytesRead;
      const text = Buffer.concat([this.#rest, chunk.subarray(0, bytesRead)]);
      const end = text.lastIndexOf(10);
      if (end >= 0) lines.push(...text.subarray(0, end).toString('utf8').split('\n'));
      this.#rest = text.subarray(end + 1);
    }
  }

  async #isReplaced(): Promise<boolean> {
    const now = await open(this.#path, 'r').catch(() => undefined);
    if (now === undefined) return false;
    try {
      return (await now.stat()).ino !== this.#inode;
    } finally {
      await now.close();
    }
  }
}
