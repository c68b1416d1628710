import type { DesiredCertificate, RouteTls, UpstreamTls } from '../compose/desired.ts';
import { certificateId, coversDomain } from '../names.ts';
import { type KeyPath, showPath } from '../problems.ts';
import { asksPublicIssuer, type CertificateSettings, settleSettings } from './certificate-settings.ts';
import { settleGiven } from './given-certificate.ts';
import { settleHsts } from './hsts.ts';
import { isAddress, isPublicName } from './public-names.ts';
import { type Layer, readAuthorities, readRevocationLists, type TlsContext } from './tls-context.ts';
import type { RouteTlsInput, RouteTlsMap, TlsInput } from './tls-schema.ts';

/** A route as far as HTTPS goes. */
export interface WrittenRoute {
  /** As written in seawall.yml. */
  readonly key: string;
  readonly domain: string;
  readonly tls?: RouteTlsInput | undefined;
}

export interface DomainTls {
  readonly tls: 'off' | RouteTls;
  readonly certificate?: DesiredCertificate;
}

/**
 * How the domain of these routes is served, and its certificate; undefined when something is wrong. All routes of a domain
 * share one socket and one certificate, so at most one way may be written.
 */
export function settleDomain(
  routes: readonly [WrittenRoute, ...WrittenRoute[]],
  top: TlsInput | undefined,
  context: TlsContext,
): DomainTls | undefined {
  const saying = routes.filter(({ tls }) => tls !== undefined);
  const first = saying[0] ?? routes[0];
  for (const other of saying.slice(1)) {
    if (JSON.stringify(other.tls) === JSON.stringify(first.tls)) continue;
    const text = `the route "${first.key}" says something else for ${first.domain}`;
    const remedy = 'Routes of one domain share certificate and port: say it in one of them only.';
    context.report(['routes', other.key, 'tls'], text, remedy);
    return undefined;
  }
  if (first.tls === 'off') return { tls: 'off' };
  if (isAddress(first.domain)) {
    const text = 'an address cannot be served over HTTPS: clients do not say it in the handshake';
    // RFC 6066 section 3: "Literal IPv4 and IPv6 addresses are not permitted in HostName".
    context.report(['routes', first.key], text, 'Use a domain, or write tls: off.', { what: 'key' });
    return undefined;
  }
  return settleServed(first, top ?? {}, context);
}

function settleServed(route: WrittenRoute, top: TlsInput, context: TlsContext): DomainTls | undefined {
  const path: KeyPath = ['routes', route.key, 'tls'];
  const own: RouteTlsMap = typeof route.tls === 'object' ? route.tls : {};
  const hsts =
    own.hsts === undefined
      ? settleHsts(top.hsts, ['tls', 'hsts'], context)
      : settleHsts(own.hsts, [...path, 'hsts'], context);
  const clients = settleClients(own, path, context);
  const certificate =
    own.certificate === undefined
      ? settleOrdered(route, own, top, path, context)
      : settleGiven(route.domain, own, path, context);
  if (certificate === undefined) return undefined;
  const tls: RouteTls = {
    certificate: certificate.id,
    redirect: own.redirect ?? true,
    hsts,
    ...clients,
  };
  return { tls, certificate };
}

/** Whose client certificates are taken; nothing: everybody, or a problem, which is reported. */
function settleClients(
  { client_ca: ca, client_crl: crl }: RouteTlsMap,
  path: KeyPath,
  context: TlsContext,
): Pick<RouteTls, 'clientCa' | 'clientCrl'> {
  if (crl !== undefined && (ca === undefined || ca === 'internal')) {
    const remedy =
      ca === undefined
        ? 'Add client_ca: FILE, the CAs whose lists these are.'
        : 'Leave it out: its own lists are looked at.';
    const text =
      ca === undefined ? 'no client certificates are asked for' : 'the private CA has lists of its own';
    context.report([...path, 'client_crl'], text, remedy);
    return {};
  }
  if (ca === undefined) return {};
  const clientCa = ca === 'internal' ? ca : readAuthorities(context, [...path, 'client_ca'], ca);
  const clientCrl =
    crl === undefined ? undefined : readRevocationLists(context, [...path, 'client_crl'], crl);
  return {
    ...(clientCa === undefined ? {} : { clientCa }),
    ...(clientCrl === undefined ? {} : { clientCrl }),
  };
}

/** A certificate that is asked for, of an ACME server or the private CA. */
function settleOrdered(
  route: WrittenRoute,
  own: RouteTlsMap,
  top: TlsInput,
  path: KeyPath,
  context: TlsContext,
): DesiredCertificate | undefined {
  const {
    key,
    names = [],
    wildcard,
    certificate: _c,
    client_ca: _a,
    client_crl: _l,
    redirect: _r,
    hsts: _h,
    ...rest
  } = own;
  if (key !== undefined && key !== 'ecdsa' && key !== 'rsa' && key !== 'both') {
    const remedy = 'For a given key add "certificate:"; else write ecdsa, rsa or both.';
    context.report(
      [...path, 'key'],
      `"${key}" is no kind of key, and there is no "certificate" to it`,
      remedy,
    );
    return undefined;
  }
  const layers: Layer[] = [
    ...(wildcard === undefined && !names.some((name) => name.startsWith('*.'))
      ? []
      : [
          {
            value: { challenge: 'dns' as const },
            path: [...path, wildcard === undefined ? 'names' : 'wildcard'],
          },
        ]),
    { value: { ...rest, ...(key === undefined ? {} : { key }) }, path },
    { value: top, path: ['tls'] },
  ];
  const rules = { isInternal: route.tls === 'internal', isStaging: route.tls === 'staging' };
  const settings = settleSettings(layers, context, rules);
  const wanted = [...new Set([wildcard ?? route.domain, ...names].map((name) => name.toLowerCase()))];
  if (settings === undefined || !isCovered(route, wanted, path, context)) return undefined;
  if (!isIssued(route, wanted, settings, path, context)) return undefined;
  return { id: certificateId(wanted[0] ?? ''), names: wanted, ...settings };
}

function isCovered(
  { domain }: WrittenRoute,
  names: readonly string[],
  path: KeyPath,
  { report }: TlsContext,
): boolean {
  if (names.some((name) => coversDomain(name, domain))) return true;
  const text = `${names[0]} is not for ${domain}: a wildcard stands for exactly one label`;
  report(
    [...path, 'wildcard'],
    text,
    `Write "*.${domain.slice(domain.indexOf('.') + 1)}", or add names: [${domain}].`,
  );
  return false;
}

function isIssued(
  { key, tls }: WrittenRoute,
  names: readonly string[],
  settings: CertificateSettings,
  path: KeyPath,
  { report }: TlsContext,
): boolean {
  if (!asksPublicIssuer(settings)) return true;
  const [name] = names.filter((each) => !isPublicName(each));
  if (name === undefined) return true;
  const at: KeyPath =
    tls === undefined || typeof tls === 'string' || name === names[0] ? ['routes', key] : [...path, 'names'];
  const text = `no public CA issues certificates for ${name}: it is no name of the public DNS`;
  const remedy =
    "Write tls: internal (HTTPS with the cluster's own CA, which your clients have to be told to trust: seawall ca export), or tls: off (plain HTTP).";
  report(at, text, remedy, { what: 'key' });
  return false;
}

/** How replicas are spoken to; undefined: plain HTTP, or a problem, which is reported. */
export function settleUpstream(
  written:
    | boolean
    | { readonly ca?: string | undefined; readonly server_name?: string | undefined }
    | undefined,
  path: KeyPath,
  context: TlsContext,
): UpstreamTls | undefined {
  if (written === undefined || written === false) return undefined;
  if (written === true) return { trust: 'internal' };
  const { ca = 'internal', server_name: serverName } = written;
  const trust = ca === 'internal' ? ca : readAuthorities(context, [...path, 'ca'], ca);
  if (trust === undefined) return undefined;
  return { trust, ...(serverName === undefined ? {} : { serverName: serverName.toLowerCase() }) };
}

/**
 * The certificates of all domains, one of each: domains with one wildcard share it. Reports what they say differently.
 */
export function gatherCertificates(
  found: readonly { readonly key: string; readonly certificate: DesiredCertificate }[],
  { report }: Pick<TlsContext, 'report'>,
): readonly DesiredCertificate[] {
  const byId = new Map<string, DesiredCertificate>();
  for (const { key, certificate } of found) {
    const before = byId.get(certificate.id);
    if (before !== undefined && !isSameBut(before, certificate)) {
      const path = ['routes', key, 'tls'];
      const text = `another route describes the certificate for ${certificate.names[0]} otherwise`;
      report(
        path,
        text,
        `Say it the same everywhere, or once in the top-level "tls" (here: ${showPath(path)}).`,
      );
    }
    const [first = '', ...further] = [...new Set([...(before?.names ?? []), ...certificate.names])];
    byId.set(certificate.id, { ...certificate, names: [first, ...further.sort()] });
  }
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

const isSameBut = (a: DesiredCertificate, b: DesiredCertificate): boolean =>
  JSON.stringify({ ...a, names: [] }) === JSON.stringify({ ...b, names: [] });
