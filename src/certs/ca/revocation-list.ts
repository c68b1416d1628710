import type { CatalogClient } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { SeawallError } from '../../errors.ts';
import type { Authority } from './authority.ts';
import { authorityId } from './authority.ts';
import { integer, parseInteger } from './der.ts';
import { type IssuedRecord, REVOCATION_REASONS } from './record.ts';
import { forgetEnded, listIssued } from './store.ts';
import { BACKDATED_MS, DAY_MS, loadX509, P256, wholeSecond } from './x509.ts';

/** Life of a list; a new one is made when half of it has passed. */
const LIST_DAYS = 7;
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
    const present = entry === undefined ? undefined : await readList(authority, entry.value);
    const revoked = toList(issued, authorityId(authority.record), now);
    if (present !== undefined && !isDue(present, revoked, now)) return present;
    const made = await makeList(authority, revoked, (present?.number ?? 0n) + 1n, now);
    const text = Buffer.from(made.der).toString('base64');
    if (!(await client.kvPut(KEY.revocationList, text, { cas: entry?.modifyIndex ?? 0, ...call }))) continue;
    await forgetEnded(client, issued, now, call);
    return made;
  }
  throw new SeawallError('refused', `the catalog's key ${KEY.revocationList} changed ${ATTEMPTS} times`, {
    hint: 'Run the command again.',
  });
}

/** The list in the catalog; undefined: there is none. */
export async function readRevocationList(
  client: Pick<CatalogClient, 'kvGet'>,
  authority: Authority,
  signal?: AbortSignal,
): Promise<RevocationList | undefined> {
  const { value } = await client.kvGet(KEY.revocationList, signal === undefined ? {} : { signal });
  return value === undefined ? undefined : readList(authority, value.value);
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

function isDue(present: RevocationList, revoked: readonly IssuedRecord[], now: number): boolean {
  const isSame = present.revoked.join() === revoked.map(({ serial }) => serial).join();
  // A list from the future: a clock went wrong, and clients that are right do not take it.
  const isFuture = present.thisUpdate.getTime() > now;
  return (
    !present.isOwn || !isSame || isFuture || present.nextUpdate.getTime() - now < (LIST_DAYS / 2) * DAY_MS
  );
}

async function makeList(
  { record, signingKey }: Authority,
  revoked: readonly IssuedRecord[],
  number: bigint,
  now: number,
): Promise<RevocationList> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(record.intermediate.certificate);
  const thisUpdate = wholeSecond(now - BACKDATED_MS);
  const nextUpdate = wholeSecond(now + LIST_DAYS * DAY_MS);
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
async function readList({ record }: Authority, base64: string): Promise<RevocationList | undefined> {
  const x509 = await loadX509();
  const der = new Uint8Array(Buffer.from(base64, 'base64'));
  let list: import('@peculiar/x509').X509Crl;
  try {
    list = new x509.X509Crl(der);
  } catch {
    return undefined;
  }
  const issuer = new x509.X509Certificate(record.intermediate.certificate);
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
