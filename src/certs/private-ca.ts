import { KEY } from '../catalog/record.ts';
import type { CertificateWish } from '../catalog/tls-record.ts';
import { SeawallError } from '../errors.ts';
import type { Book } from './book.ts';
import {
  type Authority,
  authorityId,
  ensureAuthority,
  isIssuedBy,
  issueCertificate,
  type RevocationReason,
  readAuthority,
  recordIssued,
  renewRevocationList,
  renewRootList,
  revocationListUrl,
  revokeSerial,
} from './ca/index.ts';
import { type AuthorityRecord, REVOCATION_REASONS } from './ca/record.ts';
import { isPermitted, parseSubject } from './ca/subject.ts';
import { readLeaf, sealedKey, validityOf } from './leaf.ts';
import type { Call, Catalog, Chance, PrivateCa } from './ports.ts';
import { servedRecord } from './record.ts';
import { afterSuccess } from './state.ts';

/** The private CA as the catalog holds it; made when it is first needed. */
export function privateCa(options: {
  readonly client: Pick<Catalog, 'kvGet' | 'kvList' | 'kvPut' | 'kvDelete'>;
  readonly clusterKey: string;
  readonly chance: Chance;
  /** Who asks: the host that leads. */
  readonly by: string;
}): PrivateCa {
  const { client, clusterKey, chance, by } = options;
  /** Edges let nobody in by the CA's client certificates before they have its lists. */
  const makeFirstLists = async (authority: Authority, now: number, call: Call): Promise<void> => {
    if ((await client.kvGet(KEY.rootRevocationList, call)).value !== undefined) return;
    await renewRevocationList({ client, authority, now, ...call });
    await renewRootList({ client, authority, clusterKey, now, ...call });
  };
  return {
    issue: async ({ names: wished, keyType, purpose = 'route', days }, call) => {
      const now = chance.now();
      const authority = await ensureAuthority({ client, clusterKey, now, ...call });
      const names = purpose === 'upstream' ? withoutStrayWords(authority.record, wished) : wished;
      // A route's own domain serves the list: whoever reaches the certificate reaches that too.
      const own = purpose === 'route' ? names.find((name) => !name.startsWith('*.')) : undefined;
      const host = own ?? authority.record.crlHost;
      const crl = host === undefined ? {} : { crlUrl: revocationListUrl(host) };
      const life = days === undefined ? {} : { days };
      const issued = await issueCertificate(authority, { names, keyType, purpose, now, ...life, ...crl });
      await recordIssued(client, authority, issued, { by, ...call });
      await makeFirstLists(authority, now, call);
      const { chain, key } = issued;
      if (key === undefined)
        throw new SeawallError('bug', 'the private CA gave a certificate without its key');
      return { chain, key, names };
    },
    revoke: async (serial, reason, call) => {
      const now = chance.now();
      const authority = await ensureAuthority({ client, clusterKey, now, ...call });
      await revokeSerial({ client, serial, reason: reasonOf(reason), now, ...call });
      await renewRevocationList({ client, authority, now, ...call });
    },
    refresh: async (call) => {
      const authority = await readAuthority({ client, clusterKey, ...call });
      if (authority === undefined) return undefined;
      const now = chance.now();
      await renewRevocationList({ client, authority, now, ...call });
      await renewRootList({ client, authority, clusterKey, now, ...call });
      const { record } = authority;
      return { id: authorityId(record), issued: (chain) => isIssuedBy(record, chain) };
    },
  };
}

/**
 * Names of one word that the CA's limits do not hold are left out, as long as another name stays: no limits but such words
 * themselves would permit them, and the longer name is there for that.
 */
function withoutStrayWords(
  { permitted }: Pick<AuthorityRecord, 'permitted'>,
  names: readonly string[],
): readonly string[] {
  const kept = names.filter((name) => name.includes('.') || isPermitted(permitted, parseSubject(name)));
  return kept.length === 0 ? names : kept;
}

const reasonOf = (code: number): RevocationReason =>
  (Object.entries(REVOCATION_REASONS).find(([, number]) => number === code)?.[0] ??
    'unspecified') as RevocationReason;

export interface InternalOptions {
  readonly book: Book;
  readonly clusterKey: string;
  readonly chance: Chance;
  readonly ca: PrivateCa;
  readonly log: (line: string) => void;
}

/** Has the private CA issue what a wish asks for, or one for the time until the wished certificate is there. */
export async function issueInternal(
  options: InternalOptions,
  { wish, isInterim }: { readonly wish: CertificateWish; readonly isInterim: boolean },
  call: Call,
): Promise<string> {
  const { book, clusterKey, chance, ca, log } = options;
  const { id, purpose, days } = wish;
  const about = { ...(purpose === undefined ? {} : { purpose }), ...(days === undefined ? {} : { days }) };
  // Interim ones are for every client: ECDSA is what all that speak TLS 1.2 with us know.
  for (const keyType of isInterim ? (['ecdsa'] as const) : wish.keys) {
    const { chain: pem, key, names } = await ca.issue({ names: wish.names, keyType, ...about }, call);
    const leaf = readLeaf(id, pem, key, names);
    const now = chance.now();
    const origin = { source: 'internal', issuer: 'internal', isInterim, isPublic: false } as const;
    const obtained = { wish, ...origin, key: sealedKey(clusterKey, id, leaf, key), validity: leaf };
    const record = servedRecord(obtained, book.live.get(id), { validityOf, now });
    await book.serve(record, call);
    if (isInterim) continue;
    const validity = { notBefore: Date.parse(record.notBefore), notAfter: Date.parse(record.notAfter) };
    const success = { wish, keyType, validity, now, random: chance.random };
    await book.note(id, (state) => afterSuccess(state, success), call);
  }
  const what = isInterim ? ' until the wished one is there' : '';
  const text = `issued by the private CA${what}, valid until ${book.live.get(id)?.notAfter}`;
  log(`info certs: ${id}: ${text}`);
  return text;
}
