import type { Desired, DesiredRoute, RouteTls } from '../compose/desired.ts';
import { routeKey, servedPlace } from '../route-port.ts';
import type { Actual, PublishedRoute } from './actual.ts';
import { canonicalJson } from './canonical.ts';
import { planCertificates } from './certificate-diff.ts';
import { issuerWords } from './certificate-words.ts';
import type { Change, Obstacle, Step } from './change.ts';

export function planRoutes(desired: Desired, actual: Actual): { changes: Change[]; steps: Step[] } {
  const wanted = desired.routes.map(publishedRoute);
  const before = new Map(actual.routes.map((route) => [routeKey(route), route]));
  const after = new Map(wanted.map((route) => [routeKey(route), route]));
  const changes: Change[] = [];
  for (const [name, route] of after) {
    const old = before.get(name);
    if (old && canonicalJson(old) === canonicalJson(route)) continue;
    const path = `routes.${name}`;
    const to = `${route.catalogService}:${route.port}`;
    if (old) {
      changes.push({
        kind: 'change-route',
        path,
        from: `${old.catalogService}:${old.port}`,
        to,
        why: routeReasons(old, route),
      });
    } else changes.push({ kind: 'add-route', path, from: null, to, why: [newRoute(desired, route)] });
  }
  for (const [name, route] of before) {
    if (after.has(name)) continue;
    const from = `${route.catalogService}:${route.port}`;
    changes.push({
      kind: 'remove-route',
      path: `routes.${name}`,
      from,
      to: null,
      why: ['no longer in seawall.yml'],
    });
  }
  changes.push(...planCertificates(desired, actual));
  return { changes, steps: changes.length > 0 ? [{ kind: 'publish-routes', routes: wanted }] : [] };
}

/**
 * Routes that another project has already. Of two the edges serve one: the one that is there, not whoever comes. What this project
 * published itself stays; two that came at once are told apart by the edges, which say so.
 */
export function takenRoutes(desired: Desired, { routes, foreignRoutes = [] }: Actual): Obstacle[] {
  const owners = new Map(foreignRoutes.map((route) => [servedPlace(route), route.project]));
  const own = new Set(routes.map(servedPlace));
  return desired.routes.flatMap((route) => {
    const owner = owners.get(servedPlace(route));
    if (owner === undefined || own.has(servedPlace(route))) return [];
    return [
      {
        path: `routes.${routeKey(route)}`,
        message: `is served by project ${owner} already`,
        remedy: `Take it out of the seawall.yml of ${owner} and deploy that first, or write another domain or path here.`,
      },
    ];
  });
}

function newRoute({ certificates = [] }: Desired, { tls }: PublishedRoute): string {
  if (tls === 'off') return 'new route, plain HTTP';
  const certificate = certificates.find(({ id }) => id === tls.certificate);
  return `new route, HTTPS (${certificate === undefined ? tls.certificate : issuerWords(certificate)})`;
}

function routeReasons(old: PublishedRoute, route: PublishedRoute): string[] {
  const { tls: oldTls, upstreamTls: oldUpstream, ...oldPlain } = old;
  const { tls, upstreamTls, ...plain } = route;
  const keys = Object.keys(plain) as (keyof typeof plain)[];
  const isOther = canonicalJson(oldUpstream ?? null) !== canonicalJson(upstreamTls ?? null);
  const speaks = (each: unknown) => (each === undefined ? 'plain HTTP' : 'HTTPS');
  const upstream =
    speaks(oldUpstream) === speaks(upstreamTls)
      ? 'to replicas: who is trusted changed'
      : `to replicas: ${speaks(oldUpstream)} → ${speaks(upstreamTls)}`;
  return [
    ...keys
      .filter((key) => oldPlain[key] !== plain[key])
      .map((key) => `${key}: ${oldPlain[key]} → ${plain[key]}`),
    ...tlsReasons(oldTls, tls),
    ...(isOther ? [upstream] : []),
  ];
}

function tlsReasons(old: 'off' | RouteTls, tls: 'off' | RouteTls): string[] {
  if (old === 'off' || tls === 'off')
    return old === tls ? [] : [tls === 'off' ? 'HTTPS → plain HTTP' : 'plain HTTP → HTTPS'];
  const shown: readonly (readonly [string, string, string])[] = [
    ['certificate', old.certificate, tls.certificate],
    ['plain HTTP', plainWords(old), plainWords(tls)],
    ['HSTS', hstsWords(old), hstsWords(tls)],
  ];
  return [
    ...shown.filter(([, from, to]) => from !== to).map(([key, from, to]) => `${key}: ${from} → ${to}`),
    ...(old.clientCa === tls.clientCa ? [] : [clientReason(old.clientCa, tls.clientCa)]),
    ...(old.clientCrl === tls.clientCrl ? [] : ['which client certificates are revoked changed']),
  ];
}

const plainWords = ({ redirect }: RouteTls): string => (redirect ? 'redirected' : 'served too');

function hstsWords({ hsts }: RouteTls): string {
  if (hsts === 'off') return hsts;
  const { maxAgeSeconds, subdomains, preload } = hsts;
  return `${maxAgeSeconds} s${subdomains ? ' with subdomains' : ''}${preload ? ', preload' : ''}`;
}

function clientReason(from: string | undefined, to: string | undefined): string {
  if (to === undefined) return 'clients need no certificate any more';
  return from === undefined
    ? 'clients must show a certificate'
    : 'whose client certificates are taken changed';
}

/** What the edges are told of a desired route. */
function publishedRoute({ service: _service, ...route }: DesiredRoute): PublishedRoute {
  return route;
}
