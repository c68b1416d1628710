import { X509Certificate } from 'node:crypto';
import { type CatalogClient, parseEntry } from '../catalog/index.ts';
import {
  KEY,
  type LeaseRecord,
  type ReleaseRecord,
  type RolloutRecord,
  type SubnetRecord,
  type TrafficRecord,
} from '../catalog/record.ts';
import type { CertificateRecord } from '../catalog/tls-record.ts';
import type { Desired } from '../compose/desired.ts';
import { sha256 } from '../hash.ts';
import { unpack, unpackValue } from '../packed.ts';
import { unseal } from '../secrets/index.ts';
import type { AliveNote, AuthorityNote, ClusterParts, IssuedNote, ReleaseNote } from './view.ts';

type KvEntry = Awaited<ReturnType<CatalogClient['kvList']>>['value'][number];

export interface PartsOptions {
  /** {@link import('../cluster.ts').ClusterFile.key}: what a release asks for is sealed with it. */
  readonly clusterKey: string;
  /** Until when a revocation list, as the catalog holds it, is good; undefined: it is none. */
  readonly readNextUpdate: (list: string) => Promise<Date | undefined>;
}

export type PartName = Exclude<keyof ClusterParts, 'instances'>;

/** One part of the view: below which keys it stands, and what of it is kept. */
export interface Part<N extends PartName = PartName> {
  readonly name: N;
  /** A whole key, or the beginning of several (it ends with `/`). */
  readonly key: string;
  readonly read: (entries: readonly KvEntry[]) => ClusterParts[N] | Promise<ClusterParts[N]>;
}

/** Every part that stands in the key/value store. What is read is let go of at once but for the little that is shown. */
export function partsOf(options: PartsOptions): readonly Part[] {
  return [
    part('hosts', KEY.hosts, (entries) =>
      entries
        .map((entry) => parseEntry<ClusterParts['hosts'][number]>(entry))
        .map(({ name, roles }) => ({ name, roles })),
    ),
    part('alives', KEY.alives, (entries) => recordOf<AliveNote>(entries, KEY.alives)),
    part('edges', KEY.edgeAcks, (entries) => recordOf(entries, KEY.edgeAcks)),
    part('edgeTls', KEY.tlsAcks, (entries) => recordOf(entries, KEY.tlsAcks)),
    part('kept', KEY.keptAcks, (entries) => recordOf(entries, KEY.keptAcks)),
    part('routes', KEY.routes, (entries) =>
      Object.fromEntries(
        entries.map(({ key, value }) => [key.slice(KEY.routes.length), sha256(unpackValue(value))]),
      ),
    ),
    part('wishes', KEY.wishes, (entries) =>
      Object.fromEntries(
        Object.entries(recordOf<ClusterParts['wishes'][string]>(entries, KEY.wishes)).map(
          ([project, wishes]) => [
            project,
            wishes.map(({ id, names, source, purpose }) => ({
              ...{ id, names, source },
              ...(purpose === undefined ? {} : { purpose }),
            })),
          ],
        ),
      ),
    ),
    part('live', KEY.liveCertificates, (entries) => entries.map(liveNote)),
    part('states', KEY.certificateStates, (entries) => entries.map(stateNote)),
    part('leader', KEY.certificateLeader, ([entry]) =>
      entry?.session === undefined ? null : parseEntry<LeaseRecord>(entry).from,
    ),
    part('authority', KEY.authority, ([entry]) => (entry === undefined ? null : authorityNote(entry))),
    part('issued', KEY.issuedByAuthority, (entries) => entries.map((entry) => parseEntry<IssuedNote>(entry))),
    part('crlNextUpdate', KEY.revocationList, async ([entry]) =>
      entry === undefined ? null : ((await options.readNextUpdate(entry.value))?.toISOString() ?? null),
    ),
    part('releases', KEY.allReleases, releasesReader(options.clusterKey)),
    part('networked', KEY.subnets, (entries) => {
      const blocks = entries.flatMap((entry) => Object.values(parseEntry<SubnetRecord>(entry).blocks));
      return [...new Set(blocks.map(({ project }) => project))].sort();
    }),
    part('rollouts', KEY.rollouts, (entries) =>
      entries
        .map((entry) => parseEntry<RolloutRecord>(entry))
        .map(({ project, ended }) => ({ project, ended })),
    ),
    part('traffic', KEY.allTraffics, (entries) => entries.map(trafficNote)),
  ];
}

const part = <N extends PartName>(name: N, key: string, read: Part<N>['read']): Part => ({ name, key, read });

/** Without a prototype: a host may be called `constructor`. */
const recordOf = <T>(entries: readonly KvEntry[], prefix: string): Readonly<Record<string, T>> =>
  Object.assign(
    Object.create(null),
    Object.fromEntries(entries.map((entry) => [entry.key.slice(prefix.length), parseEntry<T>(entry)])),
  );

/** Neither chains nor sealed keys are kept. */
function liveNote(entry: KvEntry): ClusterParts['live'][number] {
  const record = parseEntry<CertificateRecord>(entry);
  const { id, names, source, issuer, isInterim, notBefore, notAfter } = record;
  const fingerprints = record.keys.map(({ fingerprint }) => fingerprint);
  return { id, names, source, issuer, isInterim, notBefore, notAfter, fingerprints };
}

/** Without the order under way, whose key is sealed in it. */
function stateNote(entry: KvEntry): ClusterParts['states'][number] {
  const { id, failures, nextTryAt, renewAt, lastError, warnings } =
    parseEntry<ClusterParts['states'][number]>(entry);
  return {
    ...{ id, failures, warnings },
    ...(nextTryAt === undefined ? {} : { nextTryAt }),
    ...(renewAt === undefined ? {} : { renewAt }),
    ...(lastError === undefined ? {} : { lastError }),
  };
}

interface AuthorityText {
  readonly name: string;
  readonly root: { readonly certificate: string };
  readonly intermediate: { readonly certificate: string };
}

function authorityNote(entry: KvEntry): AuthorityNote {
  const { name, root, intermediate } = parseEntry<AuthorityText>(entry);
  const first = new X509Certificate(root.certificate);
  return {
    name,
    id: first.fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 32),
    rootNotAfter: new Date(first.validTo).toISOString(),
    intermediateNotAfter: new Date(new X509Certificate(intermediate.certificate).validTo).toISOString(),
  };
}

function trafficNote(entry: KvEntry): ClusterParts['traffic'][number] {
  const [project = '', edge = ''] = entry.key.split('/').slice(2);
  const { requests, failed } = parseEntry<TrafficRecord>(entry);
  return { project, edge, requests, failed };
}

/** Opens a release once: what a number deployed never changes. Of its content only counts are kept. */
function releasesReader(clusterKey: string): Part<'releases'>['read'] {
  const opened = new Map<string, ReleaseNote['wanted']>();
  return (entries) => {
    const byProject = Map.groupBy(
      entries.map((entry) => parseEntry<ReleaseRecord>(entry)),
      ({ project }) => project,
    );
    const keys = new Set<string>();
    const notes = [...byProject].map(([project, releases]) => {
      const sorted = releases.toSorted((a, b) => a.number - b.number);
      const good = sorted.findLast(({ status }) => status === 'good');
      const isMixed = sorted.at(-1)?.status === 'mixed';
      if (good === undefined) return [project, { isMixed, wanted: {} }] as const;
      const key = KEY.release(project, good.number);
      const wanted = opened.get(key) ?? wantedOf(unpack(unseal(clusterKey, good.sealed, key)));
      opened.set(key, wanted);
      keys.add(key);
      return [project, { number: good.number, isMixed, wanted }] as const;
    });
    for (const key of opened.keys()) if (!keys.has(key)) opened.delete(key);
    return Object.fromEntries(notes);
  };
}

function wantedOf(text: string): ReleaseNote['wanted'] {
  const { services } = JSON.parse(text) as Desired;
  const kept = Object.values(services).filter(
    ({ kind, isGlobal }) => kind === 'replica' && isGlobal !== true,
  );
  return Object.fromEntries(kept.map(({ name, replicas }) => [name, replicas]));
}
