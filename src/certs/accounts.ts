import type { IssuerRecord } from '../catalog/tls-record.ts';
import { type ConnectAcme, forgetAccount, rollAccountKey, type SignedIn, signIn } from './account.ts';
import type { Call, Catalog } from './ports.ts';

export interface AccountsOptions {
  readonly client: Pick<Catalog, 'kvGet' | 'kvPut'>;
  readonly clusterKey: string;
  readonly connect: ConnectAcme;
  readonly makeAccountKey: () => string | Promise<string>;
  /** Of the leader: outlives a single order. */
  readonly signal: AbortSignal;
}

/** Accounts that a leader is signed in with: one per directory, so that an order costs no sign-in of its own. */
export class Accounts {
  readonly #options: AccountsOptions;
  readonly #known = new Map<string, Promise<SignedIn>>();

  constructor(options: AccountsOptions) {
    this.#options = options;
  }

  /** @param directory the issuer's own, or its staging one. */
  async at(issuer: IssuerRecord, directory: string): Promise<SignedIn> {
    const about = accountAt(issuer, directory);
    const key = JSON.stringify(about);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { signal } = this.#options;
    const made = signIn({ ...this.#options, issuer: about }, { signal });
    this.#known.set(key, made);
    // A failure is not remembered.
    made.catch(() => this.#known.delete(key));
    return made;
  }

  /** The directory does not know the account any more: the next sign-in makes it anew. */
  async forget(issuer: IssuerRecord, directory: string, call: Call): Promise<void> {
    const about = accountAt(issuer, directory);
    this.#known.delete(JSON.stringify(about));
    await forgetAccount({ ...this.#options, issuer: about }, call);
  }

  /** Gives the account at an issuer's own directory a new key; who is signed in with the old one signs in again. */
  async roll(issuer: IssuerRecord, call: Call): Promise<void> {
    const about = accountAt(issuer, issuer.directory);
    try {
      await rollAccountKey({ ...this.#options, issuer: about }, call);
    } finally {
      this.#known.delete(JSON.stringify(about));
    }
  }
}

/** A binding is for the issuer's own directory: staging ones ask for none, or for another (RFC 8555 section 7.3.4). */
const accountAt = ({ trust, email, binding, directory: own }: IssuerRecord, directory: string) => ({
  directory,
  ...(trust === undefined ? {} : { trust }),
  ...(email === undefined ? {} : { email }),
  ...(binding === undefined || directory !== own ? {} : { binding }),
});
