import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Which version of each folder its readers were told of; a file of the agent, so that a restart neither forgets nor repeats it. */
export class Told {
  readonly #path: string;
  #versions: Map<string, string>;

  private constructor(path: string, versions: Map<string, string>) {
    this.#path = path;
    this.#versions = versions;
  }

  /** A file that is not there or cannot be read knows of nobody: told twice is better than not at all. */
  static async read(stateFolder: string): Promise<Told> {
    const path = join(stateFolder, 'kept-certificates.json');
    try {
      const found = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
      const entries = Object.entries(found).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      );
      return new Told(path, new Map(entries));
    } catch {
      return new Told(path, new Map());
    }
  }

  get ids(): readonly string[] {
    return [...this.#versions.keys()];
  }

  version(id: string): string | undefined {
    return this.#versions.get(id);
  }

  /** @param version undefined: the folder is gone. */
  async note(id: string, version: string | undefined): Promise<void> {
    if (version === undefined) this.#versions.delete(id);
    else this.#versions.set(id, version);
    const file = await open(`${this.#path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(Object.fromEntries([...this.#versions].sort())));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${this.#path}.new`, this.#path);
  }
}
