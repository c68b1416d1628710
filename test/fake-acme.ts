/** An ACME server in this process, with a clock and faults of its own: what a real one cannot be made to do. */
import type { KvEntry } from '../src/catalog/entry.ts';
import type { ConnectAcme } from '../src/certs/account.ts';
import { AcmeError, type AcmeOrder, ensureAuthority, issueCertificate } from '../src/certs/index.ts';
import type { Acme } from '../src/certs/ports.ts';

interface Made {
  order: AcmeOrder;
  chain?: string;
}

export class FakeAcme {
  /** Milliseconds of the epoch. */
  readonly #now: () => number;
  readonly #authority = ensureAuthority({
    client: memory(),
    clusterKey: Buffer.alloc(32, 1).toString('base64'),
    now: Date.now(),
  });
  readonly #orders = new Map<string, Made>();
  /** Names of each order, in the order in which they were made; with `directory`. */
  readonly orders: {
    readonly directory: string;
    readonly names: readonly string[];
    readonly replaces: boolean;
  }[] = [];
  /** Account keys in the order in which accounts were made. */
  readonly accounts: string[] = [];
  /** Keys that count: the index is the account. */
  readonly keys: string[] = [];
  days = 90;
  /** Thrown by a new order of these names. */
  readonly faults = new Map<string, () => Error>();
  /** Thrown by a new order that names a certificate which it replaces. */
  replacesFault: (() => Error) | undefined;
  /** What renewalInfo says; undefined: there is none. */
  window: { readonly start: string; readonly end: string } | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  readonly connect: ConnectAcme = ({ directory, accountKey }): Acme => {
    let key = accountKey;
    const signed = () => {
      if (!this.keys.includes(key)) throw unknownAccount(directory);
    };
    return {
      account: async ({ existingOnly = false }) => {
        if (existingOnly) signed();
        else if (!this.keys.includes(key)) {
          this.keys.push(key);
          this.accounts.push(key);
        }
        return { kid: `${directory}/account/${this.keys.indexOf(key)}` };
      },
      newOrder: async ({ names, replaces }) => {
        signed();
        const fault = names.map((name) => this.faults.get(name)).find((one) => one !== undefined);
        if (fault !== undefined) throw fault();
        if (replaces !== undefined && this.replacesFault !== undefined) throw this.replacesFault();
        this.orders.push({ directory, names, replaces: replaces !== undefined });
        const url = `${directory}/order/${this.orders.length}`;
        const authorizations = names.map((name) => `${url}/authorization/${name}`);
        const order: AcmeOrder = {
          url,
          status: 'pending',
          names,
          authorizations,
          finalize: `${url}/finalize`,
        };
        this.#orders.set(url, { order });
        return order;
      },
      order: async (url) => this.#at(url, directory).order,
      authorization: async (url) => {
        const name = url.split('/').at(-1) ?? '';
        const token = Buffer.from(name).toString('base64url');
        const challenge = { type: 'http-01', url: `${url}/http`, token, status: 'pending' } as const;
        const wildcard = name.startsWith('*.');
        return {
          url,
          identifier: name.replace('*.', ''),
          wildcard,
          status: 'pending',
          challenges: [challenge],
        };
      },
      acceptChallenge: async () => undefined,
      waitForAuthorization: async (url) => ({
        url,
        identifier: '',
        wildcard: false,
        status: 'valid',
        challenges: [],
      }),
      waitForOrder: async (url) => {
        const made = this.#at(url, directory);
        if (made.order.status === 'pending') made.order = { ...made.order, status: 'ready' };
        return made.order;
      },
      finalize: async ({ url }, csr) => {
        const made = this.#at(url, directory);
        const { names } = made.order;
        made.chain = await this.sign(names, csr, this.#now());
        made.order = { ...made.order, status: 'valid', certificate: `${url}/certificate` };
        return made.order;
      },
      certificate: async (url) => ({
        chain: this.#at(url.replace('/certificate', ''), directory).chain ?? '',
        alternates: [],
      }),
      revoke: async () => undefined,
      rollKey: async (newKey) => {
        signed();
        this.keys[this.keys.indexOf(key)] = newKey;
        key = newKey;
      },
      renewalInfo: async () =>
        this.window === undefined ? undefined : { ...this.window, askAgainMs: 6 * 3_600_000 },
    };
  };

  /** @returns the chain, PEM. */
  async sign(names: readonly string[], csr: Uint8Array, now: number): Promise<string> {
    const about = { names, purpose: 'route', csr, days: this.days, now } as const;
    return (await issueCertificate(await this.#authority, about)).chain;
  }

  #at(url: string, directory: string): Made {
    const made = this.#orders.get(url);
    if (made === undefined) throw new AcmeError('refused', 'no such order', directory, { status: 404 });
    return made;
  }
}

export const rateLimited = (retryAfterMs: number): Error =>
  new AcmeError('refused', 'too many orders', 'https://ca.test/dir', {
    ...{ type: 'urn:ietf:params:acme:error:rateLimited', status: 429, retryAfterMs },
  });

/** As Pebble 2.10 fails with a certificate whose serial number DER begins with a zero. */
export const internalError = (): Error =>
  new AcmeError('unreachable', 'could not find an order for the given certificate', 'https://ca.test/dir', {
    ...{ type: 'urn:ietf:params:acme:error:serverInternal', status: 500 },
  });

const unknownAccount = (directory: string): Error =>
  new AcmeError('refused', 'no such account', directory, {
    ...{ type: 'urn:ietf:params:acme:error:accountDoesNotExist', status: 400 },
  });

/** A key/value store for one key or two. */
function memory() {
  const entries = new Map<string, KvEntry>();
  return {
    kvGet: async (key: string) => ({ value: entries.get(key), index: 1 }),
    kvPut: async (key: string, value: string) => {
      entries.set(key, { key, value, flags: 0, createIndex: 1, modifyIndex: 1, lockIndex: 0 });
      return true;
    },
  };
}
