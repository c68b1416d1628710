/** How it is shown that names are ours. */
import type { Call } from './ports.ts';

/** A challenge of an order. */
export interface Proof {
  /** Name without `*.`. */
  readonly name: string;
  readonly token: string;
  /** RFC 8555 section 8.1. */
  readonly keyAuthorization: string;
}

export interface Solver {
  readonly type: 'http-01' | 'dns-01';
  /** Puts the answers where the CA will look. */
  present(proofs: readonly Proof[], call: Call): Promise<void>;
  /** Waits, bounded, until they are seen. @returns warnings. */
  settle(proofs: readonly Proof[], call: Call): Promise<readonly string[]>;
  /** Takes them away; also those that were never put. @returns warnings. */
  remove(proofs: readonly Proof[], call: Call): Promise<readonly string[]>;
}
