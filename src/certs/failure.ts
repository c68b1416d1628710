/** What a failed attempt means for the next one. */
import { SeawallError } from '../errors.ts';

/** An error with what an ACME server said (RFC 8555 section 6.7). */
interface AcmeProblem {
  /** `urn:ietf:params:acme:error:…` */
  readonly type?: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
}

export type FailureKind =
  /** The CA does not answer, or answers 5xx. */
  | 'outage'
  /** The CA has had enough for now. */
  | 'limited'
  /** The certificate to be replaced was replaced already (RFC 9773 section 5). */
  | 'replaced'
  /** The account is unknown there. */
  | 'account'
  /** This CA does not want to; another one may. */
  | 'issuer'
  /** The names could not be proven: every CA would see the same. */
  | 'names'
  /** The server does not know the order any more. */
  | 'order'
  /** Ours: the catalog, the DNS hook, the edges. */
  | 'own';

const KINDS: Readonly<Record<string, FailureKind>> = {
  rateLimited: 'limited',
  alreadyReplaced: 'replaced',
  accountDoesNotExist: 'account',
  serverInternal: 'outage',
  caa: 'issuer',
  rejectedIdentifier: 'issuer',
  unsupportedIdentifier: 'issuer',
  externalAccountRequired: 'issuer',
  userActionRequired: 'issuer',
  unsupportedContact: 'issuer',
  invalidContact: 'issuer',
  badCSR: 'issuer',
  badPublicKey: 'issuer',
  invalidProfile: 'issuer',
  orderNotReady: 'order',
};

/** What kind of failure this is. */
export function failureKind(error: unknown): FailureKind {
  if (!(error instanceof SeawallError)) return 'own';
  const { type, status } = error as AcmeProblem;
  if (error.name !== 'AcmeError') return 'own';
  if (error.code === 'unreachable' || error.code === 'timeout') return 'outage';
  // A directory whose own certificate is not trusted, say.
  if (type === undefined && status === undefined) return 'issuer';
  const known = KINDS[type?.split(':').at(-1) ?? ''];
  if (known !== undefined) return known;
  if (status === 404) return 'order';
  if (status === 429) return 'limited';
  if (status !== undefined && status >= 500) return 'outage';
  return type?.startsWith('urn:ietf:params:acme:error:') === true ? 'names' : 'outage';
}

/**
 * Whether the next issuer is asked in the same attempt: where one CA is out, limits or does not want to. Not where the
 * names could not be proven: every CA looks at the same DNS and the same edges, and would count the failure.
 */
export const canFallBack = (kind: FailureKind): boolean =>
  ['outage', 'limited', 'account', 'issuer', 'order'].includes(kind);

/** Milliseconds that the CA asked to wait; undefined: it said nothing. */
export function retryAfterMs(error: unknown): number | undefined {
  const { retryAfterMs: ms } = (error ?? {}) as AcmeProblem;
  return typeof ms === 'number' && ms > 0 ? ms : undefined;
}
