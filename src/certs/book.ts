import { parseEntry } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import type { CertificateRecord, CertificateState } from '../catalog/tls-record.ts';
import type { Call, Catalog } from './ports.ts';

/** How a state begins. */
const blank = (id: string): CertificateState => ({ id, failures: 0, warnings: [] });

/**
 * The certificates that are served and how getting them goes, as the catalog holds them. Only who leads writes them, so
 * they are read once and kept: 2,000 certificates are 10 MB, too much to be read again with each change.
 */
export class Book {
  readonly #client: Pick<Catalog, 'kvList' | 'kvPut' | 'kvDelete'>;
  readonly #live = new Map<string, CertificateRecord>();
  readonly #states = new Map<string, CertificateState>();
  #writes = 0;

  constructor(client: Pick<Catalog, 'kvList' | 'kvPut' | 'kvDelete'>) {
    this.#client = client;
  }

  get live(): ReadonlyMap<string, CertificateRecord> {
    return this.#live;
  }

  get states(): ReadonlyMap<string, CertificateState> {
    return this.#states;
  }

  state(id: string): CertificateState {
    return this.#states.get(id) ?? blank(id);
  }

  /** Reads everything anew; what was written meanwhile makes it read again, three times at the most. */
  async load(call: Call): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const before = this.#writes;
      const live = await this.#client.kvList(KEY.liveCertificates, call);
      const states = await this.#client.kvList(KEY.certificateStates, call);
      if (this.#writes !== before) continue;
      fill(
        this.#live,
        live.value.map((entry) => parseEntry<CertificateRecord>(entry)),
      );
      fill(
        this.#states,
        states.value.map((entry) => parseEntry<CertificateState>(entry)),
      );
      return;
    }
  }

  /** Writes a state, if it became another. */
  async note(
    id: string,
    change: (state: CertificateState) => CertificateState,
    call: Call,
  ): Promise<CertificateState> {
    const before = this.state(id);
    const state = change(before);
    if (JSON.stringify(state) === JSON.stringify(before)) return before;
    this.#writes += 1;
    await this.#client.kvPut(KEY.certificateState(id), JSON.stringify(state), call);
    this.#states.set(id, state);
    return state;
  }

  /** Puts a certificate where the edges find it. */
  async serve(record: CertificateRecord, call: Call): Promise<void> {
    this.#writes += 1;
    await this.#client.kvPut(KEY.liveCertificate(record.id), JSON.stringify(record), call);
    this.#live.set(record.id, record);
  }

  /** Takes a certificate out of service. */
  async withdraw(id: string, call: Call): Promise<void> {
    this.#writes += 1;
    await this.#client.kvDelete(KEY.liveCertificate(id), call);
    this.#live.delete(id);
  }

  /** Removes a certificate and what is known about it. */
  async forget(id: string, call: Call): Promise<void> {
    await this.withdraw(id, call);
    await this.#client.kvDelete(KEY.certificateState(id), call);
    this.#states.delete(id);
  }
}

function fill<T extends { readonly id: string }>(map: Map<string, T>, records: readonly T[]): void {
  map.clear();
  for (const record of records) map.set(record.id, record);
}
