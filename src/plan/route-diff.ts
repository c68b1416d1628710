import type { Desired, DesiredRoute } from '../compose/desired.ts';
import { routeKey } from '../route-port.ts';
import type { Actual, PublishedRoute } from './actual.ts';
import { canonicalJson } from './canonical.ts';
import type { Change, Step } from './change.ts';

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
    } else changes.push({ kind: 'add-route', path, from: null, to, why: ['new route'] });
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
  return { changes, steps: changes.length > 0 ? [{ kind: 'publish-routes', routes: wanted }] : [] };
}

function routeReasons(old: PublishedRoute, route: PublishedRoute): string[] {
  const keys = Object.keys(route) as (keyof PublishedRoute)[];
  return keys.filter((key) => old[key] !== route[key]).map((key) => `${key}: ${old[key]} → ${route[key]}`);
}

/** What the edges are told of a desired route. */
function publishedRoute({ service: _service, ...route }: DesiredRoute): PublishedRoute {
  return route;
}
