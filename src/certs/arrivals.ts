import { parseEntry } from '../catalog/index.ts';
import { type HostRecord, KEY } from '../catalog/record.ts';
import type { CertificateState, CertificateWish } from '../catalog/tls-record.ts';
import type { Call, Catalog } from './ports.ts';
import type { LookAtNames } from './preflight.ts';

export interface ArrivalsOptions {
  readonly client: Pick<Catalog, 'kvList'>;
  readonly look: Pick<LookAtNames, 'addresses'>;
}

/** So many waiting names are looked at a minute; others wait for their back-off. */
const MOST_NAMES = 50;

/**
 * Notices that the DNS of a name that could not be proven begins to lead to an edge: then its back-off is over. Only the change
 * counts, so that a name whose DNS was right all the time is not tried again and again.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** Whether a name led to an edge when it was last looked at. */
  readonly #led = new Map<string, boolean>();

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** @returns ids whose names have begun to lead to edges since the last look; the first look at a name only remembers. */
  async look(waiting: readonly CertificateWish[], call: Call): Promise<readonly string[]> {
    for (const id of this.#led.keys()) if (!waiting.some((wish) => wish.id === id)) this.#led.delete(id);
    if (waiting.length === 0) return [];
    const { value } = await this.#options.client.kvList(KEY.hosts, call);
    const edges = value
      .map((entry) => parseEntry<HostRecord>(entry))
      .filter(({ roles }) => roles.includes('edge'))
      .map(({ address }) => address);
    const arrived: string[] = [];
    for (const { id, names } of waiting.slice(0, MOST_NAMES)) {
      const leads = await this.#leads(names, edges, call);
      if (leads && this.#led.get(id) === false) arrived.push(id);
      this.#led.set(id, leads);
    }
    return arrived;
  }

  async #leads(names: readonly string[], edges: readonly string[], call: Call): Promise<boolean> {
    for (const name of names) {
      const found = await this.#options.look.addresses(name, call);
      if (typeof found === 'string' || !found.some((address) => edges.includes(address))) return false;
    }
    return true;
  }
}

/** Wishes proven by HTTP that wait after a failure. */
export const waitingNames = (
  wishes: readonly CertificateWish[],
  states: ReadonlyMap<string, CertificateState>,
  now: number,
): readonly CertificateWish[] =>
  wishes.filter(({ id, source, challenge }) => {
    const state = states.get(id);
    const waits = state !== undefined && state.failures > 0 && Date.parse(state.nextTryAt ?? '') > now;
    return waits && source === 'acme' && challenge === 'http';
  });
