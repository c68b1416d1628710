import { type CatalogClient, parseEntry, updateRecord } from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import { SeawallError } from '../../errors.ts';
import {
  type Authority,
  type AuthoritySettings,
  authorityId,
  isIntermediateDue,
  makeAuthority,
  openAuthority,
  renewIntermediate,
} from './authority.ts';
import type { IssuedCertificate } from './issue.ts';
import { type AuthorityRecord, type IssuedRecord, ofThisVersion, type RevocationReason } from './record.ts';
import { DAY_MS } from './x509.ts';

interface Call {
  readonly signal?: AbortSignal;
}

export interface AuthorityPlace extends Call {
  readonly client: Pick<CatalogClient, 'kvGet' | 'kvPut'>;
  /** {@link import('../../cluster.ts').ClusterFile.key} */
  readonly clusterKey: string;
}

const call = ({ signal }: Call): Call => (signal === undefined ? {} : { signal });

/**
 * The private CA; undefined: there is none yet.
 * @throws SeawallError `refused` when a newer version wrote it, it was altered, or it is another cluster's.
 */
export async function readAuthority(place: AuthorityPlace): Promise<Authority | undefined> {
  const { value: entry } = await place.client.kvGet(KEY.authority, call(place));
  if (entry === undefined) return undefined;
  return openAuthority(place.clusterKey, KEY.authority, parseEntry<AuthorityRecord>(entry));
}

/**
 * The private CA, made when there is none yet: of several who make one at once, all get the same. An intermediate that would soon
 * cut the lives of leaves short is certified again.
 * @param options.settings of one that is made here; those of one that is there stay.
 * @param options.now milliseconds since the epoch.
 */
export async function ensureAuthority(
  options: AuthorityPlace & { readonly now: number; readonly settings?: AuthoritySettings },
): Promise<Authority> {
  const { clusterKey, now, settings = {} } = options;
  return changeAuthority(options, async (present) => {
    if (present === undefined) return makeAuthority(clusterKey, settings, now);
    return isIntermediateDue(present, now) ? renewIntermediate(clusterKey, present, now) : present;
  });
}

/**
 * Makes a new private CA in place of the present one, whose certificates nobody can revoke from then on.
 * @param options.replaces id of the one that is to go; another one in its place is left alone (`refused`).
 */
export async function replaceAuthority(
  options: AuthorityPlace & {
    readonly now: number;
    readonly settings: AuthoritySettings;
    readonly replaces: string;
  },
): Promise<Authority> {
  const { clusterKey, now, settings, replaces } = options;
  return changeAuthority(options, async (present) => {
    if (present === undefined || authorityId(present) === replaces)
      return makeAuthority(clusterKey, settings, now);
    throw new SeawallError('refused', 'somebody else replaced the private CA meanwhile', {
      hint: 'Look at it: seawall ca init',
    });
  });
}

/** Says where from now on what is no route's certificate finds the revocation list. */
export function setRevocationHost(
  options: AuthorityPlace & { readonly crlHost: string },
): Promise<Authority> {
  return changeAuthority(options, async (present) => {
    if (present !== undefined) return { ...present, crlHost: options.crlHost };
    throw new SeawallError('refused', 'there is no private CA yet', { hint: 'Run: seawall ca init' });
  });
}

/** Compare-and-set, until nobody came between. Making keys takes time, so {@link updateRecord} is not for this. */
async function changeAuthority(
  place: AuthorityPlace,
  change: (present: AuthorityRecord | undefined) => Promise<AuthorityRecord>,
): Promise<Authority> {
  const { client, clusterKey } = place;
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const { value: entry } = await client.kvGet(KEY.authority, call(place));
    const present = entry === undefined ? undefined : parseEntry<AuthorityRecord>(entry);
    // Also a look at whether it is ours to change: another version's, or another cluster's, is not.
    const opened =
      present === undefined ? undefined : await openAuthority(clusterKey, KEY.authority, present);
    const wanted = await change(present);
    if (opened !== undefined && wanted === present) return opened;
    const cas = entry?.modifyIndex ?? 0;
    if (await client.kvPut(KEY.authority, JSON.stringify(wanted), { cas, ...call(place) }))
      return openAuthority(clusterKey, KEY.authority, wanted);
  }
  throw new SeawallError('refused', `the catalog's key ${KEY.authority} changed 20 times`, {
    hint: 'Run the command again.',
  });
}

/** Writes down what was issued, before anybody gets it. @param options.by who asked for it. */
export async function recordIssued(
  client: Pick<CatalogClient, 'kvPut'>,
  authority: Authority,
  issued: IssuedCertificate,
  options: Call & { readonly by: string },
): Promise<IssuedRecord> {
  const { serial, names, purpose, notBefore, notAfter, fingerprint } = issued;
  const record: IssuedRecord = {
    version: 1,
    serial,
    authority: authorityId(authority.record),
    names,
    purpose,
    notBefore,
    notAfter,
    fingerprint,
    by: options.by,
  };
  if (await client.kvPut(KEY.issued(serial), JSON.stringify(record), { cas: 0, ...call(options) })) {
    return record;
  }
  throw new SeawallError('bug', `the serial number ${serial} was given twice`);
}

/** Everything that is known of what was issued, in the order in which it ends. */
export async function listIssued(
  client: Pick<CatalogClient, 'kvList'>,
  options: Call = {},
): Promise<IssuedRecord[]> {
  const { value } = await client.kvList(KEY.issuedByAuthority, call(options));
  return value
    .map((entry) => ofThisVersion(entry.key, parseEntry<IssuedRecord>(entry)))
    .sort((a, b) => (a.notAfter < b.notAfter ? -1 : a.notAfter > b.notAfter ? 1 : 0));
}

/**
 * Notes that a certificate is revoked; it is so for others once the list says it: `renewRevocationList`. One that was revoked
 * before keeps its time and its reason.
 * @throws SeawallError `input` for an unknown serial number.
 */
export async function revokeSerial(
  options: Call & {
    readonly client: Pick<CatalogClient, 'kvGet' | 'kvPut'>;
    readonly serial: string;
    readonly reason?: RevocationReason;
    readonly now: number;
  },
): Promise<IssuedRecord> {
  const { client, serial, reason = 'unspecified', now } = options;
  const key = KEY.issued(serial);
  const record = await updateRecord<IssuedRecord>(
    client,
    key,
    (present) => {
      if (present === undefined) return undefined;
      if (ofThisVersion(key, present).revokedAt !== undefined) return present;
      return { ...present, revokedAt: new Date(now).toISOString(), reason };
    },
    call(options),
  );
  if (record !== undefined) return record;
  throw new SeawallError('input', `the private CA issued nothing with the serial number ${serial}`, {
    hint: 'See: seawall ca ls',
  });
}

/** How long a certificate is remembered after its end: as long as its revocation may have to be listed, and a little to look at. */
const REMEMBERED_DAYS = 30;

/** Forgets certificates that ended long ago. */
export async function forgetEnded(
  client: Pick<CatalogClient, 'kvDelete'>,
  issued: readonly IssuedRecord[],
  now: number,
  options: Call = {},
): Promise<void> {
  for (const { serial, notAfter } of issued) {
    if (Date.parse(notAfter) + REMEMBERED_DAYS * DAY_MS < now)
      await client.kvDelete(KEY.issued(serial), call(options));
  }
}
