import type { CertificateKey, CertificateSource } from '../catalog/tls-record.ts';
import type { HstsRule, RouteTls } from '../compose/desired.ts';
import type { CheckedRoute } from './route-text.ts';

/** A certificate whose files are on this edge's disk, checked. */
export interface ServedCertificate {
  readonly id: string;
  /** DNS names of the leaf; of two those that both have. */
  readonly names: readonly string[];
  readonly keys: readonly Pick<CertificateKey, 'type' | 'fingerprint'>[];
  readonly source: CertificateSource;
  readonly isInterim: boolean;
  /** ISO time; see `CertificateRecord`. */
  readonly publicSince?: string;
  /** ISO time. Absent: written by a version that did not note it. */
  readonly notAfter?: string;
}

/** What HTTPS is served with at one moment. */
export interface TlsState {
  readonly certificates: ReadonlyMap<string, ServedCertificate>;
  /** PEM of CAs, or `internal` → file below `trust/`; absent: no certificate in it that could be trusted. */
  readonly trust: ReadonlyMap<string, string>;
  /** PEM of revocation lists, or `internal`: those of the private CA → file below `trust/`; absent: they cannot be read. */
  readonly lists: ReadonlyMap<string, string>;
  /** Those of `trust` that are the private CA's root and nothing else. */
  readonly own: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export const noTls: TlsState = {
  certificates: new Map(),
  trust: new Map(),
  lists: new Map(),
  own: new Set(),
  nowMs: 0,
};

/** How a domain is served over HTTPS. */
export interface EdgeTls {
  /** `ID/FINGERPRINT` below `certs/`; empty: there is none yet, the handshake is refused. */
  readonly certificates: readonly string[];
  /** Plain HTTP serves nothing but redirects and challenge answers. */
  readonly redirect: boolean;
  /** Value of Strict-Transport-Security; absent: not sent. */
  readonly hsts?: string;
  /** Replicas' own Strict-Transport-Security is left out: the route says what holds. */
  readonly ownsHsts: boolean;
  /** Clients must show a certificate: nothing is served over plain HTTP, whatever is in front. */
  readonly isMutual: boolean;
  /** File below `trust/` with the CAs of the clients' certificates; never absent where a mutual domain is served. */
  readonly clientCa?: string;
  /** File below `trust/` with the revocation lists of all these CAs; absent: none is looked at. */
  readonly clientCrl?: string;
  /** Domains of one group may share a connection (RFC 9113 section 9.1.1): same certificate, no client certificates. */
  readonly group: string;
}

/**
 * What holds for a domain whose routes (of several projects) do not agree: the strictest of them.
 * @param routes never empty.
 */
export function domainTls(routes: readonly CheckedRoute[]): 'off' | RouteTls {
  const wishes = routes.flatMap(({ tls }) => (tls === 'off' ? [] : [tls]));
  return wishes.find(({ clientCa }) => clientCa !== undefined) ?? wishes[0] ?? 'off';
}

/** Why a route is not served as it says; `isRefused`: it must not be served at all. */
export function tlsConflict(
  { tls }: CheckedRoute,
  chosen: 'off' | RouteTls,
): { readonly text: string; readonly isRefused: boolean } | undefined {
  if (JSON.stringify(tls) === JSON.stringify(chosen)) return undefined;
  if (tls !== 'off' && chosen !== 'off' && tls.clientCa !== undefined && !asksTheSame(tls, chosen))
    return { text: 'another route of the domain asks for client certificates of other CAs', isRefused: true };
  return { text: 'another route of the domain says otherwise about tls, and that holds', isRefused: false };
}

const asksTheSame = (one: RouteTls, other: RouteTls): boolean =>
  one.clientCa === other.clientCa && one.clientCrl === other.clientCrl;

/** Whether certificates for these names are good for a domain (RFC 9525 section 6.3: `*` is one whole label). */
export function coversDomain(names: readonly string[], domain: string): boolean {
  const parent = domain.slice(domain.indexOf('.') + 1);
  return names.some((name) => name === domain || (!domain.startsWith('*.') && name === `*.${parent}`));
}

/** How a domain is served with what there is, and what is missing. */
export function edgeTls(
  domain: string,
  tls: RouteTls,
  state: TlsState,
): { readonly tls: EdgeTls; readonly problem?: string } {
  const isMutual = tls.clientCa !== undefined;
  const plan = {
    // Over plain HTTP nobody shows a certificate.
    redirect: tls.redirect || isMutual,
    isMutual,
    ownsHsts: tls.hsts !== 'off',
    group: isMutual ? `client certificates ${domain}` : tls.certificate,
  };
  const away = (problem: string) => ({ tls: { ...plan, certificates: [] }, problem });
  const clientCa = tls.clientCa === undefined ? undefined : state.trust.get(tls.clientCa);
  if (isMutual && clientCa === undefined)
    return away('the CAs of its client certificates cannot be read: nobody is let in');
  const lists = listsFor(tls, state);
  if (lists !== undefined && lists.file === undefined)
    return away('the revocation lists of its client certificates are not there: nobody is let in');
  const certificate = state.certificates.get(tls.certificate);
  // Not a problem of the route: it serves as soon as the certificate is there, and the certificate's own state tells more.
  if (certificate === undefined) return { tls: { ...plan, certificates: [] } };
  if (!coversDomain(certificate.names, domain))
    return away(`certificate ${tls.certificate} is for ${certificate.names.join(', ')}`);
  const hsts = tls.hsts === 'off' ? undefined : hstsHeader(tls.hsts, certificate, state.nowMs);
  return {
    tls: {
      ...plan,
      certificates: certificate.keys.map(({ fingerprint }) => `${certificate.id}/${fingerprint}`),
      ...(hsts === undefined ? {} : { hsts }),
      ...(clientCa === undefined ? {} : { clientCa }),
      ...(lists?.file === undefined ? {} : { clientCrl: lists.file }),
    },
  };
}

/** The revocation lists to look at; undefined: none. Without a file: they should be looked at, and cannot be. */
function listsFor(
  { clientCa, clientCrl }: RouteTls,
  { lists, own }: TlsState,
): { readonly file: string | undefined } | undefined {
  if (clientCa === undefined) return undefined;
  if (clientCrl !== undefined) return { file: lists.get(clientCrl) };
  return clientCa === 'internal' || own.has(clientCa) ? { file: lists.get('internal') } : undefined;
}

/** Browsers remember it, and then nobody can pass a warning: only once public certificates have lasted so long. */
const provenMs = 24 * 60 * 60 * 1000;

/** Value of Strict-Transport-Security (RFC 6797 section 6.1); undefined while it should not be sent. */
export function hstsHeader(
  rule: HstsRule,
  { publicSince, isInterim, source }: Pick<ServedCertificate, 'publicSince' | 'isInterim' | 'source'>,
  nowMs: number,
): string | undefined {
  if (publicSince === undefined || isInterim || source === 'internal') return undefined;
  // A time that cannot be read compares as false.
  if (!(nowMs - Date.parse(publicSince) > provenMs)) return undefined;
  const { maxAgeSeconds, subdomains, preload } = rule;
  return `max-age=${maxAgeSeconds}${subdomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
}
