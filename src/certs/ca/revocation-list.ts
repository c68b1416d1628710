import type { CatalogClient } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { SeawallError } from '../../errors.ts';
import type { Authority } from './authority.ts';
import { authorityId, rootSigningKey } from './authority.ts';
import { integer, parseInteger } from './der.ts';
import { type IssuedRecord, REVOCATION_REASONS } from './record.ts';
import { forgetEnded, listIssued } from './store.ts';
import { BACKDATED_MS, DAY_MS, loadX509, P256, type SigningKey, wholeSecond } from './x509.ts';

/** Life of a list; a new one is made when half of it has passed. */
const LIST_DAYS = 7;
/** Of the root's list: its key is to be unsealed seldom, and no intermediate was ever revoked. */
const ROOT_LIST_DAYS = 365;
/** Object identifier of the CRL number (RFC 5280 section 5.2.3). */
const CRL_NUMBER = '2.5.29.20';
const ATTEMPTS = 20;

/** What stands in a list. */
export interface RevocationList {
  /** DER. */
  readonly der: Uint8Array;
  readonly number: bigint;
  /** Serial numbers, lower-case hexadecimal, sorted. */
  readonly revoked: readonly string[];
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Whether this CA signed it. */
  readonly isOwn: boolean;
}

export interface RenewalOptions {
  readonly client: Pick<CatalogClient, 'kvGet' | 'kvPut' | 'kvList' | 'kvDelete'>;
  readonly authority: Authority;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

/**
 * Makes a new revocation list when there is none of this CA, when what is revoked is not what the present one says, or when half of
 * its life has passed; otherwise it only looks. Certificates that ended a month ago are forgotten with it.
 * @throws SeawallError `refused` when the key changed 20 times meanwhile.
 */
export async function renewRevocationList(options: RenewalOptions): Promise<RevocationList> {
  const { client, authority, now, signal } = options;
  const call = signal === undefined ? {} : { signal };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    // The list before the certificates: who revokes one in between finds the list as it was read here, and replaces it.
    const { value: entry } = await client.kvGet(KEY.revocationList, call);
    const issued = await listIssued(client, call);
    const { intermediate } = authority.record;
    const present = entry === undefined ? undefined : await readList(intermediate.certificate, entry.value);
    const revoked = toList(issued, authorityId(authority.record), now);
    if (present !== undefined && !isDue(present, revoked, now)) return present;
    const signer = { certificate: intermediate.certificate, signingKey: authority.signingKey };
    const number = (present?.number ?? 0n) + 1n;
    const made = await makeList(signer, { revoked, number, now, days: LIST_DAYS });
    if (!(await client.kvPut(KEY.revocationList, base64(made), { cas: entry?.modifyIndex ?? 0, ...call })))
      continue;
    await forgetEnded(client, issued, now, call);
    return made;
  }
  throw new SeawallError('refused', `the catalog's key ${KEY.revocationList} changed ${ATTEMPTS} times`, {
    hint: 'Run the command again.',
  });
}

/**
 * Makes the root's own list when there is none of this root, or half of its year has passed; otherwise it only looks. It revokes
 * nothing, but OpenSSL wants one of every CA in a chain (X509_V_FLAG_CRL_CHECK_ALL, which nginx sets with `ssl_crl`).
 * @param options.clusterKey opens the root's key, only when a list is made.
 */
export async function renewRootList(
  options: Omit<RenewalOptions, 'client'> & {
    readonly client: Pick<CatalogClient, 'kvGet' | 'kvPut'>;
    readonly clusterKey: string;
  },
): Promise<RevocationList> {
  const { client, authority, clusterKey, now, signal } = options;
  const call = signal === undefined ? {} : { signal };
  const { certificate } = authority.record.root;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { value: entry } = await client.kvGet(KEY.rootRevocationList, call);
    const present = entry === undefined ? undefined : await readList(certificate, entry.value);
    if (present !== undefined && !isDue(present, [], now, ROOT_LIST_DAYS)) return present;
    const signer = { certificate, signingKey: await rootSigningKey(clusterKey, authority.record) };
    const number = (present?.number ?? 0n) + 1n;
    const made = await makeList(signer, { revoked: [], number, now, days: ROOT_LIST_DAYS });
    const cas = entry?.modifyIndex ?? 0;
    if (await client.kvPut(KEY.rootRevocationList, base64(made), { cas, ...call })) return made;
  }
  throw new SeawallError('refused', `the catalog's key ${KEY.rootRevocationList} changed ${ATTEMPTS} times`, {
    hint: 'Run the command again.',
  });
}

const base64 = ({ der }: RevocationList): string => Buffer.from(der).toString('base64');

/** The list in the catalog; undefined: there is none. */
export async function readRevocationList(
  client: Pick<CatalogClient, 'kvGet'>,
  authority: Authority,
  signal?: AbortSignal,
): Promise<RevocationList | undefined> {
  const { value } = await client.kvGet(KEY.revocationList, signal === undefined ? {} : { signal });
  return value === undefined ? undefined : readList(authority.record.intermediate.certificate, value.value);
}

/** Until when a list, as the catalog holds it (base64), is good; undefined: it is none. Whose it is, is not looked at. */
export async function readNextUpdate(base64: string): Promise<Date | undefined> {
  const x509 = await loadX509();
  try {
    return new x509.X509Crl(new Uint8Array(Buffer.from(base64, 'base64'))).nextUpdate;
  } catch {
    return undefined;
  }
}

/** An entry stays in one list beyond the certificate's end (RFC 5280 section 3.3). */
const toList = (issued: readonly IssuedRecord[], authority: string, now: number): IssuedRecord[] =>
  issued
    .filter((each) => each.authority === authority && each.revokedAt !== undefined)
    .filter(({ notAfter }) => Date.parse(notAfter) + 2 * LIST_DAYS * DAY_MS > now)
    .sort((a, b) => (a.serial < b.serial ? -1 : 1));

function isDue(
  present: RevocationList,
  revoked: readonly IssuedRecord[],
  now: number,
  days = LIST_DAYS,
): boolean {
  const isSame = present.revoked.join() === revoked.map(({ serial }) => serial).join();
  // A list from the future: a clock went wrong, and clients that are right do not take it.
  const isFuture = present.thisUpdate.getTime() > now;
  return !present.isOwn || !isSame || isFuture || present.nextUpdate.getTime() - now < (days / 2) * DAY_MS;
}

/** A CA that signs a list. */
interface Signer {
  /** PEM. */
  readonly certificate: string;
  readonly signingKey: SigningKey;
}

interface ListOrder {
  readonly revoked: readonly IssuedRecord[];
  readonly number: bigint;
  readonly now: number;
  readonly days: number;
}

async function makeList(
  { certificate, signingKey }: Signer,
  { revoked, number, now, days }: ListOrder,
): Promise<RevocationList> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(certificate);
  const thisUpdate = wholeSecond(now - BACKDATED_MS);
  const nextUpdate = wholeSecond(now + days * DAY_MS);
  const list = await x509.X509CrlGenerator.create(
    {
      issuer: issuer.subjectName,
      thisUpdate,
      nextUpdate,
      signingAlgorithm: P256,
      signingKey,
      extensions: [
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, crypto),
        new x509.Extension(CRL_NUMBER, false, integer(number)),
      ],
      entries: revoked.map(listEntry),
    },
    crypto,
  );
  const der = new Uint8Array(list.rawData);
  return {
    der,
    number,
    revoked: revoked.map(({ serial }) => serial),
    thisUpdate,
    nextUpdate,
    isOwn: true,
  };
}

/**
 * Without a reason rather than with "unspecified" (RFC 5280 section 5.3.1), but then with the time since which it is invalid: the
 * library writes an entry without any extension as one with an empty list of them, which is no DER.
 */
function listEntry({ serial, revokedAt = '', reason = 'unspecified' }: IssuedRecord) {
  const revocationDate = wholeSecond(Date.parse(revokedAt));
  const code = REVOCATION_REASONS[reason];
  const detail = code === 0 ? { invalidity: revocationDate } : { reason: code };
  return { serialNumber: serial, revocationDate, ...detail };
}

/** Undefined when the text is no list: it is made again. */
/** @param certificate of who should have signed it. */
async function readList(certificate: string, text: string): Promise<RevocationList | undefined> {
  const x509 = await loadX509();
  const der = new Uint8Array(Buffer.from(text, 'base64'));
  let list: import('@peculiar/x509').X509Crl;
  try {
    list = new x509.X509Crl(der);
  } catch {
    return undefined;
  }
  const issuer = new x509.X509Certificate(certificate);
  const number = list.getExtension(CRL_NUMBER);
  return {
    der,
    number: (number && parseInteger(new Uint8Array(number.value))) ?? 0n,
    revoked: list.entries.map(({ serialNumber }) => serialNumber.toLowerCase()).sort(),
    thisUpdate: list.thisUpdate,
    nextUpdate: list.nextUpdate ?? list.thisUpdate,
    isOwn: await list.verify({ publicKey: issuer }, crypto).catch(() => false),
  };
}
