import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the openssl program says of certificates and lists; the files that it reads are in a folder of their own. */
export class Openssl {
  readonly folder: string;
  #files = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Openssl> {
    return new Openssl(await mkdtemp(join(tmpdir(), 'seawall-openssl-')));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Path of a new file with this in it. */
  async file(content: string | Uint8Array): Promise<string> {
    this.#files += 1;
    const path = join(this.folder, `${this.#files}`);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  }

  /** What it prints. */
  async run(...args: readonly string[]): Promise<string> {
    return (await run('openssl', args)).stdout;
  }

  /** What `openssl verify` says of a chain: `OK`, or its error. */
  async verify(trusted: string, chain: string, ...flags: readonly string[]): Promise<string> {
    const [root, path] = [await this.file(trusted), await this.file(chain)];
    try {
      await this.run('verify', '-x509_strict', '-CAfile', root, '-untrusted', path, ...flags, path);
      return 'OK';
    } catch (error) {
      return String((error as { stderr?: string }).stderr);
    }
  }
}
