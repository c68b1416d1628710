import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { replaceFile } from '../replace-file.ts';
import { type CheckedCertificate, checkCertificate } from './certificate-check.ts';
import { coversDomain, type ServedCertificate } from './tls-plan.ts';

/** What is remembered of a certificate across restarts: its files are on the disk. */
export interface KeptCertificate extends ServedCertificate {
  /** SHA-256 of the record that it was made of. */
  readonly record: string;
}

export interface CertificateFilesOptions {
  readonly edgePath: string;
  /** base64; opens the keys. */
  readonly clusterKey: string;
  /** What an earlier run kept. */
  readonly kept: readonly KeptCertificate[];
  readonly log: (line: string) => void;
}

/** Records that are looked at side by side: each waits for the disk. */
const atOnce = 16;

/**
 * Certificates on this edge's disk, `certs/ID/FINGERPRINT.crt` and `.key`. Only records that changed are looked at, and a
 * name never gets another content: what a generation of nginx names stays as it was.
 */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  #kept: ReadonlyMap<string, KeptCertificate>;
  #problems: ReadonlyMap<string, string> = new Map();
  /** Certificate id → text that was last looked at. */
  readonly #seen = new Map<string, string>();
  /** Certificate id → until when (milliseconds since 1970) the one before serves on in place of a stand-in. */
  readonly #held = new Map<string, number>();
  #isRecalled = false;

  constructor(options: CertificateFilesOptions) {
    this.#options = options;
    this.#kept = new Map(options.kept.map((kept) => [kept.id, kept]));
  }

  /** The same map as long as nothing changed. */
  get kept(): ReadonlyMap<string, KeptCertificate> {
    return this.#kept;
  }

  /** Certificate id → why it, or its newest record, is not served. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  /**
   * Brings the disk up to what the catalog says.
   * @param live certificate id → text of its record; undefined: the catalog was not heard, what is there stays.
   * @param wanted certificate id → domains that routes serve with it.
   * @param nowMs milliseconds since 1970.
   */
  async put(
    live: ReadonlyMap<string, string> | undefined,
    wanted: ReadonlyMap<string, readonly string[]>,
    nowMs: number,
  ): Promise<void> {
    if (!this.#isRecalled) await this.#recall();
    const kept = new Map([...this.#kept].filter(([id]) => wanted.has(id)));
    const problems = new Map([...this.#problems].filter(([id]) => wanted.has(id)));
    for (const id of this.#seen.keys()) if (!wanted.has(id)) this.#seen.delete(id);
    const changed = [...wanted].filter(([id]) => this.#isNews(id, live, nowMs));
    for (let at = 0; at < changed.length; at += atOnce)
      await Promise.all(
        changed
          .slice(at, at + atOnce)
          .map(([id, domains]) => this.#look({ id, domains, live, nowMs }, kept, problems)),
      );
    for (const [id, text] of problems)
      if (this.#problems.get(id) !== text) this.#options.log(`edge: certificate ${id}: ${text}`);
    this.#problems = problems;
    if (changed.length > 0 || kept.size !== this.#kept.size) this.#kept = kept;
  }

  #isNews(id: string, live: ReadonlyMap<string, string> | undefined, nowMs: number): boolean {
    if ((this.#held.get(id) ?? Number.POSITIVE_INFINITY) <= nowMs) return true;
    const text = live?.get(id);
    if (text === undefined) return this.#seen.has(id) || !this.#problems.has(id);
    return text !== this.#seen.get(id);
  }

  async #look(
    { id, domains, live, nowMs }: Looked,
    kept: Map<string, KeptCertificate>,
    problems: Map<string, string>,
  ): Promise<void> {
    const text = live?.get(id);
    const before = kept.get(id);
    problems.delete(id);
    this.#held.delete(id);
    if (text === undefined) {
      this.#seen.delete(id);
      if (before === undefined) problems.set(id, 'it is not in the catalog yet');
      else if (live !== undefined) problems.set(id, 'it is gone from the catalog; the last one serves on');
      return;
    }
    try {
      const record = sha256(text);
      if (before?.record !== record) {
        const checked = checkCertificate(id, text, this.#options.clusterKey);
        const lost = before === undefined ? undefined : lostDomain(domains, before, checked.served);
        const heldUntil = before === undefined ? 0 : heldFrom(before, checked.served);
        if (lost !== undefined)
          problems.set(id, `its newest record is not for ${lost}; the one before serves on`);
        else if (heldUntil > nowMs) {
          problems.set(id, 'the catalog has one of the private CA for now; the one before serves on');
          this.#held.set(id, heldUntil);
        } else kept.set(id, await this.#write(checked, record));
      }
    } catch (error) {
      problems.set(id, describeError(error));
      // A disk that is full is tried again; a record that is wrong stays wrong.
      if (!isRefused(error)) return;
    }
    this.#seen.set(id, text);
  }

  async #write({ served, files }: CheckedCertificate, record: string): Promise<KeptCertificate> {
    const parent = join(this.#options.edgePath, 'certs');
    const folder = join(parent, served.id);
    for (const path of [parent, folder]) await mkdir(path, { recursive: true, mode: 0o700 });
    for (const { fingerprint, chain, key } of files) {
      await replaceFile(join(folder, `${fingerprint}.key`), key, 0o600);
      await replaceFile(join(folder, `${fingerprint}.crt`), chain, 0o600);
    }
    return { ...served, record };
  }

  /** What is remembered and is not on the disk any more would keep nginx from starting. */
  async #recall(): Promise<void> {
    const there = new Map<string, KeptCertificate>();
    for (const [id, kept] of this.#kept) {
      const paths = kept.keys.flatMap(({ fingerprint }) =>
        ['crt', 'key'].map((end) => join(this.#options.edgePath, 'certs', id, `${fingerprint}.${end}`)),
      );
      const looks = await Promise.allSettled(paths.map((path) => access(path)));
      if (looks.every(({ status }) => status === 'fulfilled')) there.set(id, kept);
    }
    this.#kept = there;
    this.#isRecalled = true;
  }
}

interface Looked {
  readonly id: string;
  readonly domains: readonly string[];
  readonly live: ReadonlyMap<string, string> | undefined;
  readonly nowMs: number;
}

/**
 * Until when a certificate serves on though the catalog has one of the private CA that stands in for it: a catalog that lost
 * its data begins with those, and a browser takes none of them.
 */
const heldFrom = (before: ServedCertificate, after: ServedCertificate): number =>
  !before.isInterim && after.isInterim ? Date.parse(before.notAfter ?? '') || 0 : 0;

/** A domain that would lose its certificate. */
const lostDomain = (
  domains: readonly string[],
  before: ServedCertificate,
  after: ServedCertificate,
): string | undefined =>
  domains.find((domain) => coversDomain(before.names, domain) && !coversDomain(after.names, domain));

const isRefused = (error: unknown): boolean => error instanceof SeawallError && error.code === 'refused';
