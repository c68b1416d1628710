/** How a certificate's state changes. Times are milliseconds of the epoch. */
import type { CertificateState, CertificateWish, KeyType } from '../catalog/tls-record.ts';
import {
  backOffMs,
  DAY_MS,
  HOUR_MS,
  lifetimeRenewal,
  type Random,
  REHEARSAL_WAIT_MS,
  rehearsalPauseMs,
  type Validity,
} from './renewal.ts';

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** After a renewal that the CA asked for none follows so soon, whatever it asks for then. */
const HOLD_AFTER_ARI_MS = 6 * HOUR_MS;

export interface Success {
  readonly wish: CertificateWish;
  readonly keyType: KeyType;
  /** Of what is served now. */
  readonly validity: Validity;
  readonly now: number;
  readonly random: Random;
}

/**
 * A certificate is served: failures are forgotten, and its renewal is planned once every kind of key has its turn. One that
 * is due again at once means a clock that is wrong, or a CA that is: the next attempt waits, or there would be no end.
 */
export function afterSuccess(state: CertificateState, success: Success): CertificateState {
  const { wish, keyType, validity, now, random } = success;
  const {
    order: _o,
    nextTryAt: _n,
    lastError: _l,
    renewed,
    ari: _a,
    rehearsalAwaySince: _r,
    ...rest
  } = state;
  const got = [...new Set([...(renewed ?? []), keyType])];
  const isWhole = wish.keys.every((type) => got.includes(type));
  const clean = { ...rest, failures: 0 };
  if (!isWhole) return { ...clean, renewed: got };
  const renewAt = lifetimeRenewal(validity, random);
  const lifeMs = validity.notAfter - validity.notBefore;
  const holdMs = renewAt <= now ? DAY_MS : state.renewReason === 'ari' ? HOLD_AFTER_ARI_MS : 0;
  const hold = holdMs > 0 ? { nextTryAt: isoTime(now + Math.min(holdMs, lifeMs / 4)) } : {};
  return { ...clean, ...hold, renewAt: isoTime(renewAt), renewReason: 'lifetime' };
}

export interface Failure {
  /** Name of who was asked. */
  readonly issuer: string;
  readonly text: string;
  readonly hint?: string;
  /** The order is of no use any more. */
  readonly dropsOrder: boolean;
  /** A staging directory told it. */
  readonly isRehearsal: boolean;
  /** Life that the served certificate has left. */
  readonly leftMs?: number;
  readonly now: number;
  readonly random: Random;
}

export function afterFailure(state: CertificateState, failure: Failure): CertificateState {
  const { issuer, text, hint, dropsOrder, isRehearsal, leftMs, now, random } = failure;
  const { order, rehearsalAwaySince, ...rest } = state;
  const failures = state.failures + 1;
  return {
    ...rest,
    ...(order === undefined || dropsOrder ? {} : { order }),
    ...(rehearsalAwaySince === undefined || isRehearsal ? {} : { rehearsalAwaySince }),
    failures,
    nextTryAt: isoTime(now + backOffMs(failures, random, leftMs)),
    lastError: { at: isoTime(now), issuer, text, ...(hint === undefined ? {} : { hint }) },
  };
}

/** The directory wants to be left alone with this certificate until then; those that are over are dropped. */
export function withHold(
  state: CertificateState,
  { directory, until, now }: { readonly directory: string; readonly until: number; readonly now: number },
): CertificateState {
  const holds = Object.entries(state.issuerHolds ?? {}).filter(([, at]) => Date.parse(at) > now);
  return { ...state, issuerHolds: { ...Object.fromEntries(holds), [directory]: isoTime(until) } };
}

/** The names were proven on a staging directory. */
export function afterRehearsal(
  state: CertificateState,
  { names, now }: { readonly names: readonly string[]; readonly now: number },
): CertificateState {
  const { order: _o, nextTryAt: _n, lastError: _l, rehearsalAwaySince: _r, ...rest } = state;
  return { ...rest, rehearsedAt: isoTime(now), rehearsedNames: names };
}

/** No staging directory could tell about the names. Of an earlier time that ended without word nothing counts. */
export function withoutRehearsal(state: CertificateState, now: number): CertificateState {
  const lastMs = now - Date.parse(state.lastError?.at ?? '');
  const goesOn = state.rehearsalAwaySince !== undefined && lastMs <= 2 * REHEARSAL_WAIT_MS;
  return { ...state, rehearsalAwaySince: goesOn ? state.rehearsalAwaySince : isoTime(now) };
}

/** Until when issuers that have a staging directory are not asked without it. */
export const rehearsalWaitEnd = ({ rehearsalAwaySince = '' }: CertificateState): number =>
  Date.parse(rehearsalAwaySince) + REHEARSAL_WAIT_MS || 0;

export interface Silence {
  /** The certificate's, for people. */
  readonly name: string;
  /** Name of whose staging directory was asked last. */
  readonly issuer: string;
  readonly text: string;
  /** Milliseconds for which it wants to be left alone. */
  readonly askedMs?: number;
  readonly now: number;
  readonly random: Random;
}

/**
 * The rehearsal is waited for. However often it is tried this is one failure: what comes after it is not put off for a day
 * because of it.
 */
export function afterSilence(state: CertificateState, silence: Silence): CertificateState {
  const { name, issuer, text, askedMs = 0, now, random } = silence;
  const end = rehearsalWaitEnd(state);
  const pauseMs = Math.max(askedMs, rehearsalPauseMs(now - (end - REHEARSAL_WAIT_MS), random));
  const hint =
    `It is rehearsed again until ${shown(end)}, then ordered without. ` +
    `At once and without: seawall cert renew ${name}`;
  return {
    ...state,
    failures: Math.max(1, state.failures),
    nextTryAt: isoTime(Math.min(end, now + pauseMs)),
    lastError: { at: isoTime(now), issuer, text, hint },
  };
}

const shown = (ms: number): string => `${isoTime(ms).slice(0, 10)} ${isoTime(ms).slice(11, 16)} UTC`;

/** Somebody asks for a renewal: now, whatever the back-off says. Of what an issuer asked for (Retry-After) nothing is taken back. */
export function asked(state: CertificateState, now: number): CertificateState {
  const { nextTryAt: _n, renewed: _r, ...rest } = state;
  return { ...rest, renewAt: isoTime(now), renewReason: 'asked' };
}

/** The wish was written anew: whoever mended something need not wait for the back-off. */
export function hopeful(state: CertificateState): CertificateState {
  const { nextTryAt: _n, ...rest } = state;
  return state.failures > 0 ? rest : state;
}

export function withoutOrder({ order: _o, ...state }: CertificateState): CertificateState {
  return state;
}
