import { type CatalogClient, parseEntry, watchKey } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import type { CertificateRecord } from '../../catalog/tls-record.ts';

type KvEntry = Parameters<typeof parseEntry>[0];

interface HeardOptions {
  readonly client: Pick<CatalogClient, 'kvGet'>;
  readonly signal: AbortSignal;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * What the catalog says of the few certificates that this host keeps; of thousands that edges serve nothing is read. What was last
 * heard stands while it is away.
 */
export class KeptHeard {
  readonly #options: HeardOptions;
  readonly #live = new Map<string, { readonly end: AbortController; record?: CertificateRecord }>();
  #root: string | undefined;
  #follows = false;

  constructor(options: HeardOptions) {
    this.#options = options;
  }

  /** PEM of the private CA's root. */
  get root(): string | undefined {
    return this.#root;
  }

  live(id: string): CertificateRecord | undefined {
    return this.#live.get(id)?.record;
  }

  /** Listens to these ids and no others. */
  follow(ids: ReadonlySet<string>): void {
    for (const [id, { end }] of this.#live) {
      if (ids.has(id)) continue;
      end.abort();
      this.#live.delete(id);
    }
    for (const id of ids) if (!this.#live.has(id)) this.#followOne(id);
    if (ids.size > 0 && !this.#follows) this.#followRoot();
  }

  #followOne(id: string): void {
    const { client, signal, onChange, onError } = this.#options;
    const end = new AbortController();
    const own: { readonly end: AbortController; record?: CertificateRecord } = { end };
    this.#live.set(id, own);
    const hear = (entry: KvEntry | undefined): void => {
      if (entry === undefined) delete own.record;
      else own.record = parseEntry<CertificateRecord>(entry);
      onChange();
    };
    const ends = AbortSignal.any([signal, end.signal]);
    void watchKey(client, KEY.liveCertificate(id), hear, { signal: ends, onError });
  }

  #followRoot(): void {
    const { client, signal, onChange, onError } = this.#options;
    this.#follows = true;
    const hear = (entry: KvEntry | undefined): void => {
      if (entry === undefined) return;
      const { root } = parseEntry<{ readonly root: { readonly certificate: string } }>(entry);
      this.#root = root.certificate;
      onChange();
    };
    void watchKey(client, KEY.authority, hear, { signal, onError });
  }
}
