import { X509Certificate } from 'node:crypto';
import { type CatalogClient, parseEntry } from '../../catalog/index.ts';
import { KEY, type RouteRecord } from '../../catalog/record.ts';
import { revocationListEnd } from '../../revocation-text.ts';

/** How the private CA's revocation lists stand; client certificates of its are taken only with both. */
export interface RevocationStatus {
  /** ISO times; null: there is no list. */
  readonly nextUpdate: string | null;
  readonly rootNextUpdate: string | null;
  /** What is wrong, in a sentence; null: nothing. */
  readonly problem: string | null;
  /** Clients are refused because of it. */
  readonly isOver: boolean;
}

const DAY_MS = 86_400_000;
/** They are renewed at half of their 7 and 365 days: with so little left that has failed for a while. */
const LATE_MS = { list: 3 * DAY_MS, root: 150 * DAY_MS } as const;

/** Undefined: there is no private CA. */
export async function readRevocation(
  client: Pick<CatalogClient, 'kvGet'>,
  signal: AbortSignal,
  now: number,
): Promise<(RevocationStatus & { readonly root: string }) | undefined> {
  const [authority, list, rootList] = await Promise.all(
    [KEY.authority, KEY.revocationList, KEY.rootRevocationList].map((key) => client.kvGet(key, { signal })),
  );
  if (authority?.value === undefined) return undefined;
  const { root } = parseEntry<{ readonly root: { readonly certificate: string } }>(authority.value);
  const end = (entry: typeof list): number | undefined =>
    entry?.value === undefined ? undefined : revocationListEnd(Buffer.from(entry.value.value, 'base64'));
  return { root: root.certificate, ...revocationStatus({ list: end(list), root: end(rootList) }, now) };
}

/** @param ends milliseconds of the epoch; undefined: there is none. */
export function revocationStatus(
  ends: Readonly<Record<'list' | 'root', number | undefined>>,
  now: number,
): RevocationStatus {
  const iso = (ms: number | undefined): string | null =>
    ms === undefined ? null : new Date(ms).toISOString();
  const first = (['list', 'root'] as const).find((which) => (ends[which] ?? 0) - now < LATE_MS[which]);
  const at = first === undefined ? undefined : ends[first];
  const isOver = Object.values(ends).some((end) => (end ?? 0) <= now);
  const what = first === 'root' ? "the root's revocation list" : 'the revocation list of the private CA';
  const problem =
    first === undefined
      ? null
      : at === undefined
        ? `${what} is not there: no client certificate of the private CA is taken`
        : at <= now
          ? `${what} ended on ${iso(at)?.slice(0, 10)}: no client certificate of the private CA is taken`
          : `${what} was not renewed in time; when it ends on ${iso(at)?.slice(0, 10)} no client certificate of the private CA is taken any more`;
  return { nextUpdate: iso(ends.list), rootNextUpdate: iso(ends.root), problem, isOver };
}

/** Ids of certificates of domains that take client certificates of the private CA. */
export function mutualCertificates(routes: readonly RouteRecord[], root: string): ReadonlySet<string> {
  const isOwn = (ca: string): boolean => ca === 'internal' || fingerprint(ca) === fingerprint(root);
  return new Set(
    routes.flatMap(({ tls }) =>
      tls !== 'off' && tls.clientCa !== undefined && isOwn(tls.clientCa) ? [tls.certificate] : [],
    ),
  );
}

function fingerprint(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).fingerprint256;
  } catch {
    return undefined;
  }
}
