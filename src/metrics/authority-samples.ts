import { type Sample, sample, secondsOf } from './definitions.ts';
import type { AuthorityNote, ClusterView, IssuedNote } from './view.ts';

const DAY_MS = 86_400_000;
/** Certificates that end within this time, or ended so long ago, have samples of their own. */
const NEAR_MS = 30 * DAY_MS;

/** Samples of the private CA and of what it issued. @param now milliseconds since the epoch. */
export function authoritySamples(
  { authority, issued, crlNextUpdate }: ClusterView,
  now: number,
): readonly Sample[] {
  if (authority === undefined || authority === null) return [];
  const { name, rootNotAfter, intermediateNotAfter } = authority;
  const ends = 'seawall_ca_not_after_timestamp_seconds';
  return [
    ...sample('seawall_ca_info', { name }, 1),
    ...sample(ends, { level: 'root' }, secondsOf(rootNotAfter)),
    ...sample(ends, { level: 'intermediate' }, secondsOf(intermediateNotAfter)),
    ...sample('seawall_ca_crl_next_update_timestamp_seconds', {}, secondsOf(crlNextUpdate ?? undefined)),
    ...(issued === undefined
      ? []
      : [...countSamples(issued, authority, now), ...endSamples(issued, authority, now)]),
  ];
}

type State = 'valid' | 'revoked' | 'expired' | 'replaced';

function stateOf({ revokedAt, notAfter, authority }: IssuedNote, { id }: AuthorityNote, now: number): State {
  if (revokedAt !== undefined) return 'revoked';
  if (Date.parse(notAfter) <= now) return 'expired';
  return authority === id ? 'valid' : 'replaced';
}

function countSamples(
  issued: readonly IssuedNote[],
  authority: AuthorityNote,
  now: number,
): readonly Sample[] {
  const purposes = [...new Set(issued.map(({ purpose }) => purpose))].sort();
  return purposes.flatMap((purpose) => {
    const states = issued.filter((one) => one.purpose === purpose).map((one) => stateOf(one, authority, now));
    return (['valid', 'revoked', 'expired', 'replaced'] as const).flatMap((state) =>
      sample('seawall_ca_issued', { purpose, state }, states.filter((one) => one === state).length),
    );
  });
}

/** Of several for the same names and purpose the last one to end counts: it took the place of the others. */
function endSamples(issued: readonly IssuedNote[], authority: AuthorityNote, now: number): readonly Sample[] {
  const last = new Map<string, IssuedNote>();
  for (const one of issued) {
    const isOver = one.revokedAt !== undefined || one.authority !== authority.id;
    if (one.purpose === 'route' || one.purpose === 'upstream' || isOver) continue;
    const key = JSON.stringify([one.purpose, ...one.names.toSorted()]);
    if (Date.parse(one.notAfter) >= Date.parse(last.get(key)?.notAfter ?? one.notAfter)) last.set(key, one);
  }
  return [...last.values()]
    .filter(({ notAfter }) => Math.abs(Date.parse(notAfter) - now) <= NEAR_MS)
    .sort((a, b) => (a.serial < b.serial ? -1 : 1))
    .flatMap(({ serial, names: [name = ''], purpose, notAfter }) =>
      sample('seawall_ca_issued_not_after_timestamp_seconds', { serial, name, purpose }, secondsOf(notAfter)),
    );
}
