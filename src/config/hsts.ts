import type { HstsRule } from '../compose/desired.ts';
import type { KeyPath } from '../problems.ts';
import { parseDurationMs } from '../units.ts';
import type { TlsContext } from './tls-context.ts';
import type { HstsInput } from './tls-schema.ts';

/** 180 days: what SSL Labs asks for an A+ (SSL Server Rating Guide 2009r). */
const DEFAULT_S = 15_552_000;
/** A year: what browsers' preload list asks (hstspreload.org, "Submission Requirements"). */
const PRELOAD_S = 31_536_000;

/** The rule as it is sent; what the preload list would not take is refused. */
export function settleHsts(
  written: HstsInput | undefined,
  path: KeyPath,
  context: TlsContext,
): 'off' | HstsRule {
  if (written === 'off') return 'off';
  const { max_age: maxAge, subdomains = false, preload = false } = written ?? {};
  const maxAgeSeconds = maxAge === undefined ? DEFAULT_S : (parseDurationMs(maxAge) ?? 0) / 1000;
  if (preload && (!subdomains || maxAgeSeconds < PRELOAD_S)) {
    const why = subdomains
      ? 'browsers only preload a max_age of 365d or more'
      : 'browsers only preload a domain together with all names below it';
    const remedy = 'Write hsts: { max_age: 730d, subdomains: true, preload: true }, or leave "preload" out.';
    context.report([...path, 'preload'], why, remedy, { what: 'key' });
  }
  return { maxAgeSeconds, subdomains, preload };
}
