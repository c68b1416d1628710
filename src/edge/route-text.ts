import type { RouteRecord } from '../catalog/record.ts';

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
  if (record.tls !== 'off') return problem(`tls: ${String(record.tls)} is not known to this version`);
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

const isAmount = (value: number, limit: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < limit;
