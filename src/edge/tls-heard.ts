import { type CatalogClient, watchKey, watchKeys } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import { Gather, type GatherTimes } from './gather.ts';

/** What the catalog says of certificates. Absent: not heard yet, or there is none. */
export interface TlsHeard {
  /** Certificate id → text of its record. */
  readonly live?: ReadonlyMap<string, string>;
  /** Token → key authorization. */
  readonly answers?: ReadonlyMap<string, string>;
  /** DER, base64. */
  readonly revocationList?: string;
  /** Of the root; DER, base64. */
  readonly rootRevocationList?: string;
  /** Text of the private CA's record. */
  readonly authority?: string;
}

/**
 * How long renewed certificates are gathered: each reload of nginx has every client that keeps a connection open another
 * one, with a handshake. A domain that has no certificate yet does not wait.
 */
const renewalTimes: GatherTimes = { quietMs: 3_000, mostMs: 10_000 };

/** Listens to what the catalog says about certificates; what was last heard stands while it is away. */
export class TlsEar {
  readonly #watches: readonly Promise<void>[];
  #heard: TlsHeard = {};
  /** What certificates and CAs depend on and was not answered yet. */
  readonly #awaited = new Set<keyof TlsHeard>(['live', 'authority', 'revocationList', 'rootRevocationList']);
  readonly #renewals: Gather<ReadonlyMap<string, string>>;

  constructor(options: {
    readonly client: Pick<CatalogClient, 'kvGet' | 'kvList'>;
    readonly signal: AbortSignal;
    readonly onChange: () => void;
    readonly onError: (error: unknown) => void;
  }) {
    const { client, signal, onError } = options;
    const hear = (name: keyof TlsHeard, news: TlsHeard) => {
      this.#awaited.delete(name);
      this.#heard = { ...this.#heard, ...news };
      options.onChange();
    };
    this.#renewals = new Gather(renewalTimes, (live) => hear('live', { live }));
    const hearLive = (live: ReadonlyMap<string, string>) => {
      const known = this.#heard.live;
      const isUrgent = known === undefined || [...live.keys()].some((id) => !known.has(id));
      this.#renewals.put(live, { nowMs: performance.now(), isUrgent });
    };
    const watch = { signal, onError };
    const list = (prefix: string, news: (found: ReadonlyMap<string, string>) => void) =>
      watchKeys(
        client,
        prefix,
        (entries) => news(new Map(entries.map(({ key, value }) => [key.slice(prefix.length), value]))),
        watch,
      );
    const one = (key: string, name: 'revocationList' | 'rootRevocationList' | 'authority') =>
      watchKey(client, key, (entry) => hear(name, entry === undefined ? {} : { [name]: entry.value }), watch);
    this.#watches = [
      list(KEY.liveCertificates, hearLive),
      list(KEY.challengeAnswers, (answers) => hear('answers', { answers })),
      one(KEY.revocationList, 'revocationList'),
      one(KEY.rootRevocationList, 'rootRevocationList'),
      one(KEY.authority, 'authority'),
    ];
  }

  /** The catalog has told of certificates and of the private CA, be it that there are none. */
  get isWhole(): boolean {
    return this.#awaited.size === 0;
  }

  get heard(): TlsHeard {
    return this.#heard;
  }

  /** Waits for the end of listening, after the signal. */
  async close(): Promise<void> {
    await Promise.all(this.#watches);
    this.#renewals.close();
  }
}
