import {
  type CertificateRecord,
  type CertificateSource,
  type CertificateState,
  type CertificateWish,
  type KeptAcknowledgement,
  type KeyType,
  MANUAL,
  type TlsAcknowledgement,
} from '../../catalog/tls-record.ts';
import { issuerWords } from '../../plan/index.ts';

/** What the catalog holds of certificates, by whom it is written. */
export interface CertificateFacts {
  /** Project (`_manual`: nobody's routes) → what it wants. */
  readonly wishes: Readonly<Record<string, readonly CertificateWish[]>>;
  readonly live: readonly CertificateRecord[];
  readonly states: readonly CertificateState[];
  /** Edge → what it has in force; absent: it does not say. */
  readonly acks: Readonly<Record<string, TlsAcknowledgement>>;
  /** Hosts that are to serve. */
  readonly edges: readonly string[];
  /** Of domains that take client certificates of the private CA. */
  readonly revocation?: {
    readonly certificates: ReadonlySet<string>;
    readonly problem: string | null;
    readonly isOver: boolean;
  };
  /** Host → what lies in its folders; absent: it keeps nothing, or does not say. */
  readonly kept: Readonly<Record<string, KeptAcknowledgement>>;
}

/**
 * - `ok`: served everywhere, renewed in time.
 * - `pending`: the private CA (or nothing) serves until the first order has been tried.
 * - `failing`: the last order failed; it is tried again.
 * - `expiring`: it should have been renewed by now, or the lists by which clients of its domain are let in. `expired`: it is over.
 * - `unserved`: an edge does not have it, or a host that keeps it in a folder.
 */
export type CertificateHealth = 'ok' | 'pending' | 'failing' | 'expiring' | 'expired' | 'unserved';

/** One certificate: one line of `seawall cert ls`, and one element of its JSON. Times are ISO. */
export interface CertificateStatus {
  readonly id: string;
  readonly names: readonly string[];
  /** Projects that want it; `_manual`: asked for by `cert issue` or `cert import`. */
  readonly projects: readonly string[];
  /** What serves with it: the edges (`route`), a service's replicas, or anything else on a host. */
  readonly purpose: 'route' | 'upstream' | 'other';
  /** Folders of hosts that hold it, of what the edges do not serve. */
  readonly keptOn: readonly { readonly host: string; readonly folder: string }[];
  /** Where it is to come from. */
  readonly source: CertificateSource;
  /** Who is to issue, such as `letsencrypt, then example-ca`. */
  readonly wanted: string;
  /** What is served: `interim` is of the private CA until the wanted one is there. */
  readonly kind: 'acme' | 'internal' | 'files' | 'interim' | 'none';
  /** Who issued what is served; null while nothing is. */
  readonly issuer: string | null;
  readonly keys: readonly KeyType[];
  /** Of what is served, lower-case hexadecimal. */
  readonly serials: readonly string[];
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly renewAt: string | null;
  readonly renewReason: CertificateState['renewReason'] | null;
  readonly nextTryAt: string | null;
  /** Failed orders in a row. */
  readonly failures: number;
  readonly lastError: NonNullable<CertificateState['lastError']> | null;
  readonly warnings: readonly string[];
  /** Edges, or hosts that keep it, that do not have it in force, and why; none for one that no route names. */
  readonly missingOn: readonly { readonly edge: string; readonly why: string }[];
  readonly health: CertificateHealth;
  /** Why it is not well, in a sentence; null when it is. */
  readonly problem: string | null;
}

/** Every certificate that somebody wants, sorted by its first name. */
export function certificateStatuses(facts: CertificateFacts, now: number): CertificateStatus[] {
  const wanted = new Map<string, { readonly wish: CertificateWish; readonly projects: string[] }>();
  // What a route says counts before what was asked for by hand.
  const projects = Object.keys(facts.wishes).sort((a, b) => Number(a === MANUAL) - Number(b === MANUAL));
  for (const project of projects) {
    const wishes = facts.wishes[project] ?? [];
    for (const wish of wishes) {
      const before = wanted.get(wish.id);
      if (before === undefined) wanted.set(wish.id, { wish, projects: [project] });
      else before.projects.push(project);
    }
  }
  return [...wanted.values()]
    .map(({ wish, projects }) => statusOf(wish, projects.sort(), facts, now))
    .sort((a, b) => (sortName(a) < sortName(b) ? -1 : 1));
}

/** `*.example.com` stands beside `example.com`. */
const sortName = ({ names: [first = ''] }: CertificateStatus): string => first.replace(/^\*\./, '');

function statusOf(
  wish: CertificateWish,
  projects: readonly string[],
  facts: CertificateFacts,
  now: number,
): CertificateStatus {
  const live = facts.live.find(({ id }) => id === wish.id);
  const state = facts.states.find(({ id }) => id === wish.id);
  // Edges take the certificates of their routes: one by hand is kept, and served once a route has its name.
  const isRouted = projects.some((project) => project !== MANUAL);
  const isKept = wish.purpose !== undefined;
  const missing = (found: CertificateRecord) =>
    isKept ? hostsWithout(found, facts) : isRouted ? edgesWithout(found, facts) : [];
  const missingOn = live === undefined ? [] : missing(live);
  const base = {
    ...{ id: wish.id, names: wish.names, projects, source: wish.source, wanted: issuerWords(wish) },
    ...{ purpose: wish.purpose ?? ('route' as const), keptOn: isKept ? foldersOf(wish.id, facts) : [] },
    kind: live === undefined ? ('none' as const) : live.isInterim ? ('interim' as const) : live.source,
    issuer: live?.issuer ?? null,
    keys: live?.keys.map(({ type }) => type) ?? [],
    serials: live?.keys.map(({ serial }) => serial) ?? [],
    notBefore: live?.notBefore ?? null,
    notAfter: live?.notAfter ?? null,
    renewAt: state?.renewAt ?? null,
    renewReason: state?.renewReason ?? null,
    nextTryAt: state?.nextTryAt ?? null,
    failures: state?.failures ?? 0,
    lastError: state?.lastError ?? null,
    warnings: state?.warnings ?? [],
    missingOn,
  };
  const judged = judge(base, now);
  const lists = facts.revocation;
  if (judged.health !== 'ok' || lists?.problem == null || !lists.certificates.has(wish.id))
    return { ...base, ...judged };
  return { ...base, health: lists.isOver ? 'expired' : 'expiring', problem: lists.problem };
}

function edgesWithout(
  live: CertificateRecord,
  { acks, edges }: CertificateFacts,
): CertificateStatus['missingOn'] {
  return edges.flatMap((edge) => {
    const ack = acks[edge];
    if (ack === undefined) return [{ edge, why: 'it does not say what it serves: its agent is away' }];
    const why = ack.problems[live.id];
    if (why !== undefined) return [{ edge, why }];
    const inForce = ack.certificates[live.id] ?? [];
    return live.keys.every(({ fingerprint }) => inForce.includes(fingerprint))
      ? []
      : [{ edge, why: 'it does not serve it yet' }];
  });
}

const foldersOf = (id: string, { kept }: CertificateFacts): CertificateStatus['keptOn'] =>
  Object.entries(kept)
    .flatMap(([host, ack]) => (ack[id] === undefined ? [] : [{ host, folder: ack[id].folder }]))
    .sort((a, b) => (a.host < b.host ? -1 : 1));

/** Of the hosts that keep it; one that does not say is away, and has what it had. */
function hostsWithout(live: CertificateRecord, facts: CertificateFacts): CertificateStatus['missingOn'] {
  return foldersOf(live.id, facts).flatMap(({ host }) => {
    const { fingerprint, problem, stale } = facts.kept[host]?.[live.id] ?? {};
    if (problem !== undefined) return [{ edge: host, why: problem }];
    if (stale !== undefined) return [{ edge: host, why: staleWords(stale) }];
    const isThere = live.keys.some((key) => key.fingerprint === fingerprint);
    return isThere ? [] : [{ edge: host, why: 'its agent has not written it yet' }];
  });
}

const staleWords = (containers: readonly string[]): string =>
  `${containers.join(', ')} ${containers.length === 1 ? 'serves' : 'serve'} with the one before: the program does not read its files anew. Name its signal (x-seawall: certificate: reload), or deploy so that it is replaced`;

type Unjudged = Omit<CertificateStatus, 'health' | 'problem'>;

const shown = (time: string | null): string => `${time?.slice(0, 10)} ${time?.slice(11, 16)} UTC`;

/** Of its own accord a renewal comes at a third of the lifetime left, at half of a short one; a quarter left is late. */
const LATE_SHARE = 0.25;
/** Given ones are renewed by people: 30 days, as public CAs used to remind. */
const LATE_GIVEN_MS = 30 * 86_400_000;

function judge(status: Unjudged, now: number): Pick<CertificateStatus, 'health' | 'problem'> {
  const { kind, notBefore, notAfter, failures, lastError, missingOn, warnings, issuer } = status;
  const wrong = lastError === null ? undefined : `${lastError.issuer}: ${lastError.text}`;
  const end = notAfter === null ? Number.POSITIVE_INFINITY : Date.parse(notAfter);
  if (end <= now)
    return {
      health: 'expired',
      problem: `it ended on ${shown(notAfter)}${wrong === undefined ? '' : `; ${wrong}`}`,
    };
  if (failures > 0)
    return {
      health: 'failing',
      problem: wrong ?? `${failures === 1 ? 'the last order' : `${failures} orders`} failed`,
    };
  const lifetime = notBefore === null ? 0 : end - Date.parse(notBefore);
  const late = kind === 'files' ? LATE_GIVEN_MS : lifetime * LATE_SHARE;
  if (kind !== 'interim' && end - now < late)
    return {
      health: 'expiring',
      problem:
        kind === 'files'
          ? `it ends on ${shown(notAfter)}`
          : `it was not renewed in time and ends on ${shown(notAfter)}`,
    };
  const [missing] = missingOn;
  if (kind === 'none' || kind === 'interim')
    return {
      health: 'pending',
      problem:
        warnings[0] ??
        (issuer === null
          ? 'nothing is served yet'
          : missing === undefined
            ? 'it is being ordered'
            : `${missing.edge}: ${missing.why}`),
    };
  if (missing !== undefined) return { health: 'unserved', problem: `${missing.edge}: ${missing.why}` };
  return { health: 'ok', problem: null };
}

/** Whether somebody has to look: for exit codes. What is only pending is on its way. */
export const isBad = ({ health }: Pick<CertificateStatus, 'health'>): boolean =>
  health !== 'ok' && health !== 'pending';
