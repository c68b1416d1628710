import {
  type CatalogClient,
  type CertificateWish,
  type IssuerRecord,
  parseEntry,
  SEAL,
} from '../../catalog/index.ts';
import { KEY } from '../../catalog/record.ts';
import type { ClusterFile } from '../../cluster.ts';
import type { Desired, DesiredCertificate, DesiredIssuer } from '../../compose/desired.ts';
import { SeawallError } from '../../errors.ts';
import { sha256 } from '../../hash.ts';
import { packValue } from '../../packed.ts';
import { canonicalJson } from '../../plan/index.ts';
import { seal, unseal } from '../../secrets/index.ts';

type Keyed = Pick<ClusterFile, 'key'>;
type Secrets = NonNullable<Desired['certificateSecrets']>;

/** The certificates that a project wants by the catalog; none when nobody wrote any. */
export async function readWishes(
  client: Pick<CatalogClient, 'kvGet'>,
  project: string,
  signal: AbortSignal,
): Promise<readonly CertificateWish[]> {
  const { value } = await client.kvGet(KEY.wish(project), { signal });
  return value === undefined ? [] : parseEntry<CertificateWish[]>(value);
}

/** A certificate as the catalog is told of it: what is secret is sealed under the cluster's key. */
export function sealWish(
  { key }: Keyed,
  certificate: DesiredCertificate,
  secrets: Secrets,
  present: readonly CertificateWish[],
): CertificateWish {
  const { dns, files, issuers, ...rest } = certificate;
  const before = present.find(({ id }) => id === certificate.id);
  const put = (hash: string, context: string, old: string | undefined): string => {
    const text = secrets[hash];
    if (text === undefined)
      throw new SeawallError('bug', `a secret of the certificate for ${certificate.names[0]} is not at hand`);
    // A nonce makes every sealing another text: what did not change is left, so that nobody is woken for nothing.
    return old !== undefined && openedHash(key, old, context) === hash ? old : seal(key, text, context);
  };
  const sealIssuer = ({ binding, ...issuer }: DesiredIssuer): IssuerRecord => {
    if (binding === undefined) return issuer;
    const old = before?.issuers.find(({ directory }) => directory === issuer.directory)?.binding;
    return { ...issuer, binding: put(binding, SEAL.binding(issuer.directory), old) };
  };
  return {
    ...rest,
    issuers: issuers.map(sealIssuer),
    ...(dns === undefined ? {} : { dns: put(dns, SEAL.dns(certificate.id), before?.dns) }),
    ...(files === undefined ? {} : { files: put(files, SEAL.files(certificate.id), before?.files) }),
  };
}

/** What a wish of the catalog says, comparable with what is desired: secrets as their SHA-256. */
export function openWish({ key }: Keyed, wish: CertificateWish): DesiredCertificate {
  const { dns, files, issuers, ...rest } = wish;
  return {
    ...rest,
    issuers: issuers.map(({ binding, ...issuer }) =>
      binding === undefined
        ? issuer
        : { ...issuer, binding: openedHash(key, binding, SEAL.binding(issuer.directory)) },
    ),
    ...(dns === undefined ? {} : { dns: openedHash(key, dns, SEAL.dns(wish.id)) }),
    ...(files === undefined ? {} : { files: openedHash(key, files, SEAL.files(wish.id)) }),
  };
}

/** What cannot be opened is like nothing that is desired: the next deploy writes it anew. */
function openedHash(key: string, sealed: string, context: string): string {
  try {
    return sha256(unseal(key, sealed, context));
  } catch {
    return 'cannot be unsealed';
  }
}

/** Writes the certificates that a project wants. */
export async function writeWishes(
  client: Pick<CatalogClient, 'kvPut' | 'kvDelete'>,
  project: string,
  wishes: readonly CertificateWish[],
  signal: AbortSignal,
): Promise<void> {
  if (wishes.length === 0) await client.kvDelete(KEY.wish(project), { signal });
  else await client.kvPut(KEY.wish(project), packValue(canonicalJson(wishes)), { signal });
}
