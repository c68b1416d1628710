import { MANUAL } from '../catalog/tls-record.ts';
import { type Sample, sample, secondsOf } from './definitions.ts';
import type { ClusterParts, ClusterView } from './view.ts';

type Wish = ClusterParts['wishes'][string][number];
type Live = ClusterParts['live'][number];

interface Wanted {
  readonly wish: Wish;
  readonly projects: readonly string[];
}

/** Samples of every certificate that somebody wants. */
export function certificateSamples(view: ClusterView): readonly Sample[] {
  const { wishes, live, states, leader } = view;
  const leading = leader === undefined || leader === null ? [] : leadSample(leader);
  if (wishes === undefined || live === undefined || states === undefined) return leading;
  const lives = new Map(live.map((one) => [one.id, one]));
  const stated = new Map(states.map((one) => [one.id, one]));
  const wanted = wantedOf(wishes);
  return [
    ...leading,
    ...wanted.flatMap((each) => [
      ...liveSamples(each, lives.get(each.wish.id)),
      ...stateSamples(each.wish.id, stated.get(each.wish.id)),
      ...missingSamples(each, lives.get(each.wish.id), view),
    ]),
  ];
}

const leadSample = (host: string) => sample('seawall_certificates_leader', { host }, 1);

function wantedOf(wishes: ClusterParts['wishes']): readonly Wanted[] {
  const wanted = new Map<string, { readonly wish: Wish; readonly projects: string[] }>();
  // What a route says counts before what was asked for by hand.
  const projects = Object.keys(wishes).sort((a, b) => Number(a === MANUAL) - Number(b === MANUAL));
  for (const project of projects) {
    for (const wish of wishes[project] ?? []) {
      const before = wanted.get(wish.id);
      if (before === undefined) wanted.set(wish.id, { wish, projects: [project] });
      else before.projects.push(project);
    }
  }
  return [...wanted.values()].sort((a, b) => (a.wish.id < b.wish.id ? -1 : 1));
}

function liveSamples({ wish, projects }: Wanted, live: Live | undefined): readonly Sample[] {
  const certificate = wish.id;
  const info = {
    certificate,
    names: (live?.names ?? wish.names).join(','),
    purpose: wish.purpose ?? 'route',
    source: wish.source,
    issuer: live?.issuer ?? '',
    projects: projects.toSorted().join(','),
  };
  return [
    ...sample('seawall_certificate_info', info, 1),
    ...sample('seawall_certificate_served', { certificate }, live !== undefined),
    ...sample('seawall_certificate_interim', { certificate }, live?.isInterim),
    ...sample(
      'seawall_certificate_not_before_timestamp_seconds',
      { certificate },
      secondsOf(live?.notBefore),
    ),
    ...sample('seawall_certificate_not_after_timestamp_seconds', { certificate }, secondsOf(live?.notAfter)),
  ];
}

/** A certificate of which nothing stands written has not failed. */
function stateSamples(
  certificate: string,
  state: ClusterParts['states'][number] | undefined,
): readonly Sample[] {
  const { failures = 0, warnings = [], renewAt, nextTryAt, lastError } = state ?? {};
  const failed =
    lastError === undefined
      ? []
      : sample(
          'seawall_certificate_last_error_timestamp_seconds',
          { certificate, issuer: lastError.issuer },
          secondsOf(lastError.at),
        );
  return [
    ...sample('seawall_certificate_renewal_timestamp_seconds', { certificate }, secondsOf(renewAt)),
    ...sample('seawall_certificate_next_try_timestamp_seconds', { certificate }, secondsOf(nextTryAt)),
    ...sample('seawall_certificate_failures', { certificate }, failures),
    ...failed,
    ...sample('seawall_certificate_warnings', { certificate }, warnings.length),
  ];
}

/** Edges take the certificates of routes: one by hand is kept, and served once a route has its name. */
function missingSamples(wanted: Wanted, live: Live | undefined, view: ClusterView): readonly Sample[] {
  const { wish, projects } = wanted;
  const { hosts, edgeTls } = view;
  if (wish.purpose !== undefined) return keptSamples(wish.id, live, view);
  const isRouted = projects.some((project) => project !== MANUAL);
  if (live === undefined || !isRouted || hosts === undefined || edgeTls === undefined) return [];
  const edges = hosts.filter(({ roles }) => roles.includes('edge'));
  const missing = edges.filter(({ name }) => {
    const inForce = edgeTls[name]?.certificates[live.id] ?? [];
    return !live.fingerprints.every((fingerprint) => inForce.includes(fingerprint));
  });
  return sample('seawall_certificate_missing_edges', { certificate: wish.id }, missing.length);
}

/** What services serve with themselves and what lies in folders of hosts: each host says what it keeps. */
function keptSamples(certificate: string, live: Live | undefined, { kept }: ClusterView): readonly Sample[] {
  if (live === undefined || kept === undefined) return [];
  const missing = Object.values(kept).filter((host) => {
    const own = host[certificate];
    if (own === undefined) return false;
    const isThere = live.fingerprints.some((fingerprint) => fingerprint === own.fingerprint);
    return !isThere || own.problem !== undefined || own.stale !== undefined;
  });
  return sample('seawall_certificate_missing_hosts', { certificate }, missing.length);
}
