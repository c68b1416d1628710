import { updateRecord } from '../catalog/index.ts';
import { KEY } from '../catalog/record.ts';
import { type AccountBinding, type IssuerRecord, SEAL } from '../catalog/tls-record.ts';
import { SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { seal, unseal } from '../secrets/index.ts';
import { failureKind } from './failure.ts';
import type { Acme, Call, Catalog } from './ports.ts';

/** An account at an ACME server: `seawall/acme/accounts/SHA-256 of the directory`. */
export interface AccountRecord {
  readonly directory: string;
  /** PKCS #8 PEM, sealed. */
  readonly key: string;
  /** Sealed; a change of key is under way. */
  readonly nextKey?: string;
  /** Address of the account; absent: not made yet. */
  readonly kid?: string;
}

/** Makes a client for a directory. */
export type ConnectAcme = (about: {
  readonly directory: string;
  readonly trust?: string;
  readonly accountKey: string;
  readonly kid?: string;
}) => Acme;

export interface AccountOptions {
  readonly client: Pick<Catalog, 'kvGet' | 'kvPut'>;
  /** Of the cluster. */
  readonly clusterKey: string;
  readonly issuer: Pick<IssuerRecord, 'directory' | 'trust' | 'email' | 'binding'>;
  readonly connect: ConnectAcme;
  /** PKCS #8 PEM of a new account key. */
  readonly makeAccountKey: () => string | Promise<string>;
}

/** A client that is signed in, and the key it signs with. */
export interface SignedIn {
  readonly acme: Acme;
  readonly accountKey: string;
}

/**
 * Signs in at an issuer's directory. The key is written by compare-and-set before the account is made, so that of two
 * leaders both use the one account. @throws SeawallError of the server's.
 */
export async function signIn(options: AccountOptions, call: Call): Promise<SignedIn> {
  const { client, issuer, clusterKey, makeAccountKey } = options;
  const { directory } = issuer;
  const context = SEAL.account(directory);
  const made = seal(clusterKey, await makeAccountKey(), context);
  const first = await updateRecord<AccountRecord>(
    client,
    accountKeyOf(directory),
    (present) => present ?? { directory, key: made },
    call,
  );
  const record = first?.nextKey === undefined ? first : await finishRollover(options, first, call);
  if (record === undefined) throw new SeawallError('bug', `no account record for ${directory}`);
  const accountKey = unseal(clusterKey, record.key, context).toString();
  if (record.kid !== undefined) return { acme: connect(options, accountKey, record.kid), accountKey };
  const { kid } = await connect(options, accountKey).account(aboutAccount(options), call);
  await update(options, (present) => ({ ...present, kid }), call);
  return { acme: connect(options, accountKey, kid), accountKey };
}

/** Forgets where the account is, because its server does not know it any more: the next {@link signIn} makes it again. */
export async function forgetAccount(options: AccountOptions, call: Call): Promise<void> {
  await update(options, ({ kid: _kid, ...present }) => present, call);
}

/**
 * Changes the account's key (RFC 8555 section 7.3.5). The new one is kept before the server hears of it: whoever comes after
 * a crash finishes the change, whichever of the two keys the server has.
 */
export async function rollAccountKey(options: AccountOptions, call: Call): Promise<void> {
  await signIn(options, call);
  const { directory } = options.issuer;
  const nextKey = seal(options.clusterKey, await options.makeAccountKey(), SEAL.account(directory));
  const record = await update(options, (present) => ({ ...present, nextKey }), call);
  await finishRollover(options, record, call);
}

async function finishRollover(
  options: AccountOptions,
  record: AccountRecord,
  call: Call,
): Promise<AccountRecord> {
  const { clusterKey } = options;
  const { directory, nextKey } = record;
  if (nextKey === undefined) return record;
  const context = SEAL.account(directory);
  const present = unseal(clusterKey, record.key, context).toString();
  const next = unseal(clusterKey, nextKey, context).toString();
  try {
    await connect(options, present, record.kid).rollKey(next, call);
  } catch (error) {
    if (failureKind(error) === 'outage' || failureKind(error) === 'limited') throw error;
    // It may have been changed by somebody who died before writing so: then the new key finds the account.
    const found = await connect(options, next).account({ existingOnly: true }, call);
    if (found.kid !== record.kid) throw error;
  }
  return update(options, ({ nextKey: _next, ...rest }) => ({ ...rest, key: nextKey }), call);
}

async function update(
  { client, issuer }: Pick<AccountOptions, 'client' | 'issuer'>,
  change: (present: AccountRecord) => AccountRecord,
  call: Call,
): Promise<AccountRecord> {
  const record = await updateRecord<AccountRecord>(
    client,
    accountKeyOf(issuer.directory),
    (present) => (present === undefined ? undefined : change(present)),
    call,
  );
  if (record !== undefined) return record;
  throw new SeawallError('refused', `the account for ${issuer.directory} vanished from the catalog`, {
    hint: 'It is made again with the next attempt.',
  });
}

const connect = (
  { connect: make, issuer: { directory, trust } }: AccountOptions,
  accountKey: string,
  kid?: string,
): Acme =>
  make({
    ...{ directory, accountKey },
    ...(trust === undefined ? {} : { trust }),
    ...(kid === undefined ? {} : { kid }),
  });

function aboutAccount({ clusterKey, issuer }: AccountOptions): {
  readonly email?: string;
  readonly binding?: AccountBinding;
} {
  const { directory, email, binding } = issuer;
  return {
    ...(email === undefined ? {} : { email }),
    ...(binding === undefined
      ? {}
      : {
          binding: JSON.parse(
            unseal(clusterKey, binding, SEAL.binding(directory)).toString(),
          ) as AccountBinding,
        }),
  };
}

const accountKeyOf = (directory: string): string => KEY.acmeAccount(sha256(directory));
