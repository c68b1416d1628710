import type { CertificateRecord, CertificateState, CertificateWish } from '../catalog/tls-record.ts';
import { describeError, SeawallError } from '../errors.ts';
import type { Accounts } from './accounts.ts';
import type { RenewalInfo } from './acme/index.ts';
import type { Book } from './book.ts';
import { retryAfterMs } from './failure.ts';
import { type Call, type Chance, isoTime } from './ports.ts';
import { askAgainMs, HOUR_MS, lifetimeRenewal, type Random, windowRenewal } from './renewal.ts';

export interface AskOptions {
  readonly book: Book;
  readonly chance: Chance;
  readonly accounts: Accounts;
  readonly log: (line: string) => void;
}

/** A directory that has no renewal information is not asked for it all the time. */
const ASK_NEVER_MS = 12 * HOUR_MS;

/**
 * Asks the issuer when the certificate is to be renewed (RFC 9773). Without an answer the share of its life decides.
 * @returns milliseconds after which it makes sense to ask again although the state does not say so.
 */
export async function askRenewal(
  { book, chance, accounts, log }: AskOptions,
  { wish, live }: { readonly wish: CertificateWish; readonly live: CertificateRecord },
  call: Call,
): Promise<number> {
  const { id } = wish;
  const issuer = wish.issuers.find(({ name }) => name === live.issuer);
  const plan = (change: (state: CertificateState) => CertificateState) => book.note(id, change, call);
  try {
    const [first] = live.keys;
    if (issuer === undefined || first === undefined)
      throw new SeawallError('bug', `${id} has no issuer to ask`);
    const { acme } = await accounts.at(issuer, issuer.directory);
    const info = await acme.renewalInfo(first.chain, call);
    const now = chance.now();
    const before = book.state(id);
    const state = await plan((present) => withWindow(present, { info, live, now, random: chance.random }));
    const isNews = state.renewAt !== before.renewAt && before.renewAt !== undefined;
    if (isNews && info !== undefined)
      log(`info certs: ${id}: ${issuer.name} asks for a renewal: at ${state.renewAt}${why(info)}`);
    return info === undefined ? ASK_NEVER_MS : 0;
  } catch (error) {
    if (call.signal?.aborted === true) throw error;
    log(`warn certs: ${id}: when to renew could not be asked: ${describeError(error)}`);
    const now = chance.now();
    await plan((present) => withWindow(present, { info: undefined, live, now, random: chance.random }));
    return askAgainMs(retryAfterMs(error) ?? HOUR_MS);
  }
}

const why = ({ explanation }: RenewalInfo): string =>
  explanation === undefined ? '' : `, see ${explanation}`;

/** The state with what the issuer said. A moment that was chosen out of the same window stays chosen. */
function withWindow(
  state: CertificateState,
  about: {
    readonly info: RenewalInfo | undefined;
    readonly live: CertificateRecord;
    readonly now: number;
    readonly random: Random;
  },
): CertificateState {
  const { info, live, now, random } = about;
  const validity = { notBefore: Date.parse(live.notBefore), notAfter: Date.parse(live.notAfter) };
  const isAsked = state.renewReason === 'asked';
  if (info === undefined) {
    if (state.renewAt !== undefined) return state;
    return { ...state, renewAt: isoTime(lifetimeRenewal(validity, random)), renewReason: 'lifetime' };
  }
  const { start, end, explanation } = info;
  const ari = {
    ...{ start, end, askAt: isoTime(now + askAgainMs(info.askAgainMs)) },
    ...(explanation === undefined ? {} : { explanation }),
  };
  const isSame = state.ari?.start === start && state.ari.end === end && state.renewAt !== undefined;
  if (isSame || (isAsked && state.renewAt !== undefined)) return { ...state, ari };
  const window = { start: Date.parse(start), end: Date.parse(end) };
  return { ...state, ari, renewAt: isoTime(windowRenewal(window, validity, random)), renewReason: 'ari' };
}
