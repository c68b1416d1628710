import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../hash.ts';
import { replaceFile } from '../replace-file.ts';
import { readCertificates } from './certificate-check.ts';

/**
 * CAs that clients' and replicas' certificates are verified by, and lists of what they revoked, `trust/HASH.pem`: the same text has
 * the same name.
 */
export class TrustFiles {
  readonly #edgePath: string;
  /** PEM as it was asked for → file; undefined: it cannot be read. */
  #files: ReadonlyMap<string, string | undefined> = new Map();

  readonly #clean: (text: string) => string | undefined;

  /** @param clean gives what of a text is written; undefined: nothing in it, or something broken. */
  constructor(edgePath: string, clean: (text: string) => string | undefined) {
    this.#edgePath = edgePath;
    this.#clean = clean;
  }

  /** What the next configuration may name. */
  get files(): readonly string[] {
    return [...this.#files.values()].filter((file) => file !== undefined);
  }

  /**
   * @param texts PEM.
   * @returns PEM → file below `trust/`, of those that hold what they should and nothing that is broken.
   */
  async put(texts: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
    const files = new Map<string, string | undefined>();
    for (const text of texts)
      files.set(text, this.#files.has(text) ? this.#files.get(text) : await this.#write(text));
    this.#files = files;
    return new Map([...files].flatMap(([text, file]) => (file === undefined ? [] : [[text, file] as const])));
  }

  async #write(text: string): Promise<string | undefined> {
    const pem = this.#clean(text);
    if (pem === undefined) return undefined;
    const name = `${sha256(pem).slice(0, 32)}.pem`;
    await mkdir(join(this.#edgePath, 'trust'), { recursive: true, mode: 0o755 });
    await replaceFile(join(this.#edgePath, 'trust', name), pem, 0o644);
    return name;
  }
}

/** The certificates and nothing else that a text may hold. */
export function cleanAuthorities(text: string): string | undefined {
  try {
    const certificates = readCertificates(text);
    return certificates.length === 0 ? undefined : certificates.map((each) => each.toString()).join('');
  } catch {
    return undefined;
  }
}
