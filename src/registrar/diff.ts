import type { CheckEntry, ServiceEntry } from '../catalog/index.ts';
import { META } from '../catalog/record.ts';
import type { Candidate } from './candidate.ts';
import type { Status } from './health.ts';

/** A line of the catalog with the status of its one check. */
export interface Entry extends Omit<Candidate, 'check'> {
  readonly status: Status;
  readonly output: string;
}

/** What has to be written so that the catalog says what it should. */
export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'register'; readonly entry: Entry }
  /** Another container under the same id: the old one goes with all its checks, a draining mark included. */
  | { readonly kind: 'replace'; readonly entry: Entry }
  /** Nothing but the text of a failing check differs: worth writing, not at once. */
  | { readonly kind: 'refresh'; readonly entry: Entry }
  | { readonly kind: 'deregister' };

/** Id of the check that the registrar owns on a service. */
export const checkId = (serviceId: string): string => `service:${serviceId}`;

/** The entries of a host that a registrar wrote. Those that somebody else wrote are not its business. */
export function heldEntries(
  services: readonly ServiceEntry[],
  checks: readonly CheckEntry[],
): ReadonlyMap<string, Entry> {
  const own = new Map(checks.map((check) => [check.id, check]));
  return new Map(
    services
      .filter(({ meta }) => meta[META.container] !== undefined)
      .map(({ id, name, address, port, tags, meta }) => {
        const check = own.get(checkId(id));
        // Without its check an entry counts as well in Consul: take what differs from it.
        const status = check?.status ?? 'critical';
        return [id, { id, service: name, address, port, tags, meta, status, output: check?.output ?? '' }];
      }),
  );
}

/** The step from what the catalog holds to what it should hold. */
export function actionFor(wanted: Entry | undefined, held: Entry | undefined): Action {
  if (wanted === undefined) return { kind: held === undefined ? 'none' : 'deregister' };
  if (held === undefined) return { kind: 'register', entry: wanted };
  if (held.meta[META.container] !== wanted.meta[META.container]) return { kind: 'replace', entry: wanted };
  if (identity(held) !== identity(wanted)) return { kind: 'register', entry: wanted };
  // What a passing check says changes all the time and interests nobody.
  const isSame = wanted.status === 'passing' || held.output === wanted.output;
  return isSame ? { kind: 'none' } : { kind: 'refresh', entry: wanted };
}

function identity({ service, address, port, tags, meta, status }: Entry): string {
  const pairs = Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([service, address, port, tags.toSorted(), pairs, status]);
}
