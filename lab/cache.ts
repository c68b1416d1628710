import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, tryCommand } from './command.ts';
import { cacheFile } from './recipes.ts';

/** Built images as files, for an engine that lost them; one per image, of the newest recipe. */
export class ImageCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes the folder, and removes what a run that was killed was unpacking. */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      const [, pid] = /^scratch-(\d+)-/.exec(name) ?? [];
      if (pid && !existsSync(`/proc/${pid}`)) await removeScratch(join(this.#folder, name));
    }
  }

  /** Gives the engine the image of this recipe; false when it is not here. */
  async load(image: string, hash: string): Promise<boolean> {
    const file = join(this.#folder, cacheFile(image, hash));
    if (!existsSync(file)) return false;
    const loaded = await tryCommand('docker', ['load', '--quiet', '--input', file]);
    if (loaded.code !== 0) await rm(file, { force: true });
    return loaded.code === 0;
  }

  /** Keeps the engine's image, in place of those of older recipes. */
  async save(image: string, hash: string): Promise<void> {
    const file = cacheFile(image, hash);
    const stem = file.slice(0, -`${hash}.tar`.length);
    await this.withScratch(async (scratch) => {
      const partial = join(scratch, file);
      await runCommand('docker', ['save', '--output', partial, image]);
      for (const name of await readdir(this.#folder)) {
        if (name.startsWith(stem) && name !== file) await rm(join(this.#folder, name), { force: true });
      }
      await rename(partial, join(this.#folder, file));
    });
  }

  /** Lends an empty folder on the same disk. */
  async withScratch(work: (scratch: string) => Promise<void>): Promise<void> {
    const scratch = await mkdtemp(join(this.#folder, `scratch-${process.pid}-`));
    try {
      await work(scratch);
    } finally {
      await removeScratch(scratch);
    }
  }
}

/** A bootstrap that was killed leaves the kernel's own file systems mounted in there: those stay untouched. */
async function removeScratch(folder: string): Promise<void> {
  await tryCommand('rm', ['-rf', '--one-file-system', folder]);
}
