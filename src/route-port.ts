/** Where a route leads in one replica: an old and a new replica may serve the same route on different ports. */

interface RoutePlace {
  readonly domain: string;
  readonly path: string;
  readonly port: number;
}

/** Name of a route in {@link readRoutePorts}'s record. */
export const routeKey = ({ domain, path }: Pick<RoutePlace, 'domain' | 'path'>): string => `${domain}${path}`;

/** Domain and path as edges compare them: lower case, without a final dot or slash. */
export const servedPlace = ({ domain, path }: Pick<RoutePlace, 'domain' | 'path'>): string =>
  `${domain.toLowerCase().replace(/\.$/, '')}${path === '/' ? '/' : path.replace(/\/$/, '')}`;

/** Reads the label or catalog text in which a replica says its ports: JSON, route → port. What is none counts as nothing. */
export function readRoutePorts(text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([, port]) => isPort(port)));
  } catch {
    return {};
  }
}

const isPort = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;

/** Port at which a replica serves a route: its own word for it, else the route's. */
export const servedPort = (ports: Readonly<Record<string, number>>, route: RoutePlace): number =>
  ports[routeKey(route)] ?? route.port;
