import {
  type CatalogClient,
  type CertificateRecord,
  type CertificateState,
  type CertificateWish,
  type KeptAcknowledgement,
  parseEntry,
  type TlsAcknowledgement,
} from '../../catalog/index.ts';
import { type HostRecord, KEY, type RouteRecord } from '../../catalog/record.ts';
import { mutualCertificates, readRevocation } from './revocation.ts';
import { type CertificateFacts, type CertificateStatus, certificateStatuses } from './status.ts';

type Lister = Pick<CatalogClient, 'kvGet' | 'kvList'>;

/** Nothing is read of the private CA as long as no route asks for client certificates. */
async function readMutual(
  client: Lister,
  signal: AbortSignal,
  now: number,
): Promise<CertificateFacts['revocation']> {
  const { value } = await client.kvList(KEY.routes, { signal });
  const routes = value.flatMap((entry) => parseEntry<RouteRecord[]>(entry));
  if (!routes.some(({ tls }) => tls !== 'off' && tls.clientCa !== undefined)) return undefined;
  const found = await readRevocation(client, signal, now);
  if (found === undefined) return undefined;
  const { root, problem, isOver } = found;
  return { certificates: mutualCertificates(routes, root), problem, isOver };
}

/** Everything that the catalog holds of certificates. */
async function readFacts(
  client: Lister,
  edges: readonly string[],
  signal: AbortSignal,
): Promise<CertificateFacts> {
  const list = async <T>(prefix: string): Promise<Record<string, T>> => {
    const { value } = await client.kvList(prefix, { signal });
    return Object.fromEntries(value.map((entry) => [entry.key.slice(prefix.length), parseEntry<T>(entry)]));
  };
  const [wishes, live, states, acks, kept] = await Promise.all([
    list<readonly CertificateWish[]>(KEY.wishes),
    list<CertificateRecord>(KEY.liveCertificates),
    list<CertificateState>(KEY.certificateStates),
    list<TlsAcknowledgement>(KEY.tlsAcks),
    list<KeptAcknowledgement>(KEY.keptAcks),
  ]);
  return { wishes, live: Object.values(live), states: Object.values(states), acks, edges, kept };
}

/** Every certificate of the cluster as it stands now. */
export async function readCertificates(
  client: Lister,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<CertificateStatus[]> {
  const { value } = await client.kvList(KEY.hosts, { signal });
  const hosts = value.map((entry) => parseEntry<HostRecord>(entry));
  const edges = hosts.filter(({ roles }) => roles.includes('edge')).map(({ name }) => name);
  const facts = await readFacts(client, edges, signal);
  const revocation = await readMutual(client, signal, now());
  return certificateStatuses({ ...facts, ...(revocation === undefined ? {} : { revocation }) }, now());
}
