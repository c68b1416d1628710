/** When certificates are renewed, and when a failed attempt is repeated. Times are milliseconds of the epoch. */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Validity of a certificate. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Gives numbers of [0, 1). */
export type Random = () => number;

/** Certificates that live shorter than this are renewed at half of their life (Let's Encrypt's integration guide). */
const SHORT_LIFE_MS = 10 * DAY_MS;
/** Share of the life by which renewal times are spread, so that what was issued together is not renewed together. */
const SPREAD = 0.05;
/** However late a CA's window lies, this much of the life is left for attempts that fail. */
const LATEST_SHARE = 5 / 6;

/** When to renew without word from the CA: at 2/3 of the life, at 1/2 of one under 10 days, up to 5 % of the life earlier. */
export function lifetimeRenewal({ notBefore, notAfter }: Validity, random: Random): number {
  const life = Math.max(0, notAfter - notBefore);
  const share = life < SHORT_LIFE_MS ? 1 / 2 : 2 / 3;
  return Math.round(notBefore + life * (share - SPREAD * random()));
}

/**
 * A uniformly random moment of the CA's window (RFC 9773 section 4.2), never later than 5/6 of the life. A window that
 * has begun gives a moment that may be past: renew now.
 */
export function windowRenewal(
  window: { readonly start: number; readonly end: number },
  { notBefore, notAfter }: Validity,
  random: Random,
): number {
  const latest = notBefore + Math.max(0, notAfter - notBefore) * LATEST_SHARE;
  const span = Math.max(0, window.end - window.start);
  return Math.round(Math.min(window.start + span * random(), latest));
}

/** Bounds of a CA's word on when to ask again: not more often than once a minute (RFC 9773 section 4.3), at least twice a day. */
export const askAgainMs = (suggestedMs: number): number =>
  Math.min(12 * HOUR_MS, Math.max(MINUTE_MS, Number.isFinite(suggestedMs) ? suggestedMs : 6 * HOUR_MS));

/** Let's Encrypt's integration guide: 1 minute, 10 minutes, 100 minutes, then daily. */
const BACK_OFF_MS: readonly number[] = [MINUTE_MS, 10 * MINUTE_MS, 100 * MINUTE_MS];
/** Share of a pause by which it is lengthened or shortened at random. */
const JITTER = 0.1;

/**
 * How long an issuer with a staging directory is not asked while that cannot tell: a wrong DNS entry must not cost production's
 * limits, and a staging directory that is gone must not keep a name from its certificate.
 */
export const REHEARSAL_WAIT_MS = 60 * MINUTE_MS;

/** Pause before a staging directory is asked again that has not told for so long: doubled each time, 1 to 10 minutes. */
export const rehearsalPauseMs = (awayMs: number, random: Random): number =>
  Math.round(Math.min(10 * MINUTE_MS, Math.max(MINUTE_MS, awayMs)) * (1 - JITTER + 2 * JITTER * random()));

/**
 * Pause after the failure number `failures` (from 1). A certificate that is served and ends soon is worth more than one
 * attempt a day: the pause is a quarter of what is left at the most, yet an hour at the least.
 * @param leftMs life that the served certificate has left; absent: none is served.
 */
export function backOffMs(failures: number, random: Random, leftMs?: number): number {
  const full = BACK_OFF_MS[failures - 1] ?? DAY_MS;
  const most = leftMs === undefined ? DAY_MS : Math.max(HOUR_MS, leftMs / 4);
  return Math.round(Math.min(full, most) * (1 - JITTER + 2 * JITTER * random()));
}
