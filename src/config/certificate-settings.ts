import type { DesiredCertificate } from '../compose/desired.ts';
import { settleDns } from './dns-hook.ts';
import { isPublicIssuer, settleIssuers, stagingIssuer } from './issuers.ts';
import { type Layer, lookUp, type TlsContext } from './tls-context.ts';

/** How a certificate is come by, without its names. */
export type CertificateSettings = Omit<DesiredCertificate, 'id' | 'names' | 'files'>;

const KEYS = { ecdsa: ['ecdsa'], rsa: ['rsa'], both: ['ecdsa', 'rsa'] } as const;

/** Settings out of layers of which the first that says something counts; undefined when something is wrong. */
export function settleSettings(
  layers: readonly Layer[],
  context: TlsContext,
  rules: { readonly isStaging?: boolean; readonly isInternal?: boolean } = {},
): CertificateSettings | undefined {
  const keys = KEYS[lookUp(layers, 'key')?.value ?? 'ecdsa'];
  const internal = { source: 'internal', issuers: [], challenge: 'http', keys } as const;
  if (rules.isInternal) return internal;
  const issuers = settleIssuers(layers, context);
  // The private CA has to be shown nothing.
  if (issuers === 'internal' && !rules.isStaging) return internal;
  const dns = lookUp(layers, 'dns');
  const challenge = lookUp(layers, 'challenge');
  const kind = challenge?.value ?? (dns === undefined ? 'http' : 'dns');
  if (kind === 'dns' && dns === undefined) {
    context.report(
      challenge?.path ?? [],
      'nothing says how records get into the DNS',
      'Add "dns:" with "exec", "webhook" or "rfc2136".',
    );
    return undefined;
  }
  const hook = dns === undefined ? undefined : settleDns(dns.value, dns.path, context);
  if (issuers === undefined || (dns !== undefined && hook === undefined)) return undefined;
  const asked = rules.isStaging ? [stagingIssuer(issuers === 'internal' ? [] : issuers)] : issuers;
  return {
    source: 'acme',
    issuers: asked === 'internal' ? [] : asked,
    challenge: kind,
    keys,
    ...(kind === 'dns' && hook !== undefined ? { dns: hook } : {}),
  };
}

/** Whether a public CA is asked, which issues for public names only. */
export const asksPublicIssuer = ({ issuers }: Pick<DesiredCertificate, 'issuers'>): boolean =>
  issuers.some(isPublicIssuer);
