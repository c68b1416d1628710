import type { RouteRecord } from '../catalog/record.ts';
import type { HstsRule, RouteTls } from '../compose/desired.ts';

/** A route whose every text is safe to stand in nginx.conf between double quotes. */
export interface CheckedRoute extends RouteRecord {
  /** Lower case, without a final dot. */
  readonly domain: string;
  /** `/` or `/a/b`: without a final slash. */
  readonly path: string;
}

const label = '(?!-)[a-z0-9_-]{1,63}(?<!-)';
/** RFC 1123 section 2.1 names (and `_`, which people use), or `*.` before one, as nginx knows it. */
const domainPattern = new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`);
/** RFC 3986 pchar without `%` and `$`, and letters and digits of any script: nginx compares decoded paths. */
const pathPattern = /^(\/[\p{L}\p{N}\p{M}._~!&'()*+,;=:@-]+)*\/?$/u;
/** Consul takes any service name; this leaves out what has a meaning inside quotes, controls and broken surrogates. */
const servicePattern = /^[^"\\$\p{C}\p{Zl}\p{Zp}]{1,128}$/u;
/** Paths that every domain answers the same: ACME challenges (RFC 8555 section 8.3) and the private CA's revocation list. */
const reservedPaths = ['/.well-known/acme-challenge', '/.well-known/seawall'];
/** What `certificateId` makes: a folder's name, never `.` or `..`. */
export const certificateIdPattern = /^[a-z0-9_-][a-z0-9_.-]{0,254}$/;
const namePattern = /^[A-Za-z0-9_.-]{1,128}$/;

/**
 * The route in its normal form, or why it cannot be served. Nothing that passes can end a quoted string, start a variable or
 * a comment, or be read as another path (`..`, `//`) than the one it names.
 */
export function checkRoute(
  record: RouteRecord,
): { readonly route: CheckedRoute } | { readonly problem: string } {
  const problem = (text: string) => ({
    problem: `route ${JSON.stringify(`${record.domain}${record.path}`)} of project ${JSON.stringify(record.project)}: ${text}`,
  });
  const domain = record.domain.toLowerCase().replace(/\.$/, '');
  if (domain.length > 253 || !domainPattern.test(domain)) return problem('the domain is no host name');
  const path = record.path === '/' ? '/' : record.path.replace(/\/$/, '');
  if (!record.path.startsWith('/') || path.length > 512 || !pathPattern.test(path))
    return problem('the path holds characters that a path prefix may not have');
  if (path.split('/').some((part) => part === '.' || part === '..')) return problem('the path holds . or ..');
  if (!namePattern.test(record.project)) return problem('the project has no valid name');
  if (!servicePattern.test(record.catalogService)) return problem('the service has no valid name');
  const reserved = reservedPaths.find((each) => path === each || path.startsWith(`${each}/`));
  if (reserved !== undefined) return problem(`${reserved} is answered by the edge itself`);
  if (record.tls !== 'off' && !isRouteTls(record.tls)) return problem('its tls is not known to this version');
  const { upstreamTls } = record;
  if (upstreamTls !== undefined) {
    const name = upstreamTls.serverName ?? domain;
    if (typeof upstreamTls.trust !== 'string' || !domainPattern.test(name) || name.startsWith('*'))
      return problem(
        'the name to verify its replicas by is no host name: give tls.server_name of its upstream',
      );
  }
  const { bodyLimitBytes, connectTimeoutMs, readTimeoutMs, sendTimeoutMs, upstreamKeepaliveMs } = record;
  if (!isAmount(bodyLimitBytes, 2 ** 53)) return problem('the body limit is no number of bytes');
  if (
    ![connectTimeoutMs, readTimeoutMs, sendTimeoutMs, upstreamKeepaliveMs].every((ms) =>
      isAmount(ms, 2 ** 31),
    )
  )
    return problem('a timeout is no number of milliseconds below 2^31');
  if (!Number.isInteger(record.port) || record.port < 0 || record.port > 65_535)
    return problem('the port is none');
  return { route: { ...record, domain, path } };
}

/** What is read from the catalog may have been written by another version. */
function isRouteTls(tls: unknown): tls is RouteTls {
  if (typeof tls !== 'object' || tls === null) return false;
  const { certificate, redirect, hsts, clientCa, clientCrl } = tls as Partial<
    Record<keyof RouteTls, unknown>
  >;
  const { maxAgeSeconds } = (hsts ?? {}) as Partial<Record<keyof HstsRule, unknown>>;
  return (
    typeof certificate === 'string' &&
    certificateIdPattern.test(certificate) &&
    typeof redirect === 'boolean' &&
    (hsts === 'off' || (typeof maxAgeSeconds === 'number' && isAmount(maxAgeSeconds, 2 ** 53))) &&
    (clientCa === undefined || typeof clientCa === 'string') &&
    (clientCrl === undefined || typeof clientCrl === 'string')
  );
}

const isAmount = (value: number, limit: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < limit;
