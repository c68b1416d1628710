import { parseEntry, watchKeys } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import type { CertificateRequest, CertificateWish } from '../catalog/tls-record.ts';
import type { Catalog } from './ports.ts';
import { type UnitedWishes, uniteWishes } from './wishes.ts';

export interface HeardOptions {
  readonly client: Pick<Catalog, 'kvList'>;
  readonly signal: AbortSignal;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/** What others write: wishes and requests. A catalog that is away changes nothing. */
export class Heard {
  readonly #options: HeardOptions;
  #wishes: UnitedWishes | undefined;
  #requests: Map<string, CertificateRequest> | undefined;
  #texts: ReadonlyMap<string, string> = new Map();
  #rewritten = new Set<string>();

  constructor(options: HeardOptions) {
    this.#options = options;
  }

  /** Absent until both were read once. */
  get all(): (UnitedWishes & { readonly requests: ReadonlyMap<string, CertificateRequest> }) | undefined {
    if (this.#wishes === undefined || this.#requests === undefined) return undefined;
    return { ...this.#wishes, requests: this.#requests };
  }

  /** Ids whose wishes were written anew since the last call, by a deploy or by hand. */
  takeRewritten(): readonly string[] {
    const ids = [...this.#rewritten];
    this.#rewritten = new Set();
    return ids;
  }

  /** A request was answered: it is not looked at again, though the catalog may say so a moment longer. */
  drop(id: string, request: string): void {
    if (this.#requests?.get(id)?.request === request) this.#requests.delete(id);
  }

  /** @returns once the signal is aborted; never rejects. */
  async follow(): Promise<void> {
    const { client, signal, onChange, onError } = this.#options;
    const wishes = watchKeys(
      client,
      KEY.wishes,
      (entries) => {
        const byProject = entries.map(
          (entry) =>
            [entry.key.slice(KEY.wishes.length), parseEntry<readonly CertificateWish[]>(entry)] as const,
        );
        this.#hearWishes(uniteWishes(new Map(byProject)));
        onChange();
      },
      { signal, onError },
    );
    const requests = watchKeys(
      client,
      KEY.certificateRequests,
      (entries) => {
        this.#requests = new Map(
          entries.map((entry) => [
            entry.key.slice(KEY.certificateRequests.length),
            parseEntry<CertificateRequest>(entry),
          ]),
        );
        onChange();
      },
      { signal, onError },
    );
    await Promise.all([wishes, requests]);
  }

  #hearWishes(united: UnitedWishes): void {
    const texts = new Map(united.wishes.map((wish) => [wish.id, JSON.stringify(wish)]));
    for (const [id, text] of texts) {
      const before = this.#texts.get(id);
      if (before !== undefined && before !== text) this.#rewritten.add(id);
    }
    this.#texts = texts;
    this.#wishes = united;
  }
}
