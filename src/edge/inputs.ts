import type { Instance, RouteRecord } from '../catalog/record.ts';
import type { EdgeInputs } from './candidates.ts';
import type { RouteProblem } from './model.ts';

/** What was last heard of the catalog; the snapshot on the disk holds the same. Absent: never heard. */
export interface Heard {
  /** Project → text of its routes entry. */
  readonly routes?: Readonly<Record<string, string>>;
  readonly hosts?: readonly string[];
  readonly alive?: readonly string[];
  readonly instances: Readonly<Record<string, readonly Instance[]>>;
}

/**
 * Milliseconds for which the instances of a service that vanished all at once are still believed in: shortly when
 * the catalog seems whole (its loss of data may be heard of a moment later), longer when it lost its data: registrars
 * compare with the catalog every 13.5 to 16.5 seconds.
 */
export const vanishedGraceMs = { whole: 1_000, lost: 30_000 } as const;

/**
 * The routes to go by. None where there were some: believed only when the catalog still knows its cluster; a catalog that lost
 * its data does not.
 */
export function believedRoutes(
  heard: Readonly<Record<string, string>> | undefined,
  before: Readonly<Record<string, string>> | undefined,
  isCatalogWhole: boolean,
): Readonly<Record<string, string>> | undefined {
  if (heard === undefined) return before;
  const isEmptied = Object.keys(heard).length === 0 && Object.keys(before ?? {}).length > 0;
  return isEmptied && !isCatalogWhole ? before : heard;
}

/** Instances of one service with the moment at which all of them vanished. */
export interface BelievedInstances {
  readonly instances: readonly Instance[];
  /** Milliseconds of the caller's clock; absent: they are there. */
  readonly vanishedAtMs?: number;
}

/**
 * The instances to go by. Registrars put back what a restarted catalog lost within half a minute; a service that is
 * really gone is drained or becomes critical before.
 */
export function believedInstances(
  heard: readonly Instance[],
  before: BelievedInstances | undefined,
  nowMs: number,
  isCatalogWhole: boolean,
): BelievedInstances {
  if (heard.length > 0) return { instances: heard };
  const served = before?.instances.filter(({ status, draining }) => status === 'passing' && !draining) ?? [];
  if (served.length === 0) return { instances: [] };
  const vanishedAtMs = before?.vanishedAtMs ?? nowMs;
  const graceMs = isCatalogWhole ? vanishedGraceMs.whole : vanishedGraceMs.lost;
  return nowMs - vanishedAtMs < graceMs ? { instances: served, vanishedAtMs } : { instances: [] };
}

/** What the loop computes with; entries that hold no routes are left out and reported. */
export function edgeInputs(heard: Heard): {
  readonly inputs: EdgeInputs;
  readonly problems: readonly RouteProblem[];
} {
  const problems: RouteProblem[] = [];
  const routes = Object.entries(heard.routes ?? {}).flatMap(([project, text]) => {
    const records = parseRoutes(text);
    if (records === undefined)
      problems.push({ project, text: `the routes of project ${project} cannot be read` });
    // Whoever may write one project's entry must not speak for another.
    return (records ?? []).map((route) => ({ ...route, project }));
  });
  const { instances, hosts = [], alive = [] } = heard;
  return { inputs: { routes, instances, hosts, alive }, problems };
}

function parseRoutes(text: string): RouteRecord[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(isRoute) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRoute(value: unknown): value is RouteRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { domain, path, catalogService, port } = value as Partial<Record<keyof RouteRecord, unknown>>;
  return [domain, path, catalogService].every((text) => typeof text === 'string') && typeof port === 'number';
}
