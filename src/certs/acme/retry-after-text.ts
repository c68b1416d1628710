/**
 * Milliseconds from `now` that a `Retry-After` header asks for (RFC 9110 section 10.2.3: seconds, or a date); 0 for a date that is past,
 * undefined for what is neither.
 */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  // Dates have letters: without this, `Date.parse` takes bare numbers for years.
  if (!/^[A-Za-z]{3}/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}

const SOONEST_MS = 60_000;
const LATEST_MS = 24 * 60 * 60 * 1000;
const USUAL_MS = 6 * 60 * 60 * 1000;

/** When to ask for renewal information again: between a minute and a day, six hours where the server does not say (RFC 9773 section 4.3.3). */
export const askAgainMs = (wantedMs: number | undefined): number =>
  Math.min(LATEST_MS, Math.max(SOONEST_MS, wantedMs ?? USUAL_MS));
