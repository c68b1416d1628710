import type { AliveNote, Sign } from './view.ts';

/**
 * Signs of life with those that were heard now. A host is heard when its word differs from the one before. How far its clock is
 * ahead is said only where the word came fresh: one that was found lying there may be half a minute old.
 * @param now milliseconds since the epoch.
 */
export function withSigns(
  before: Readonly<Record<string, Sign>>,
  alives: Readonly<Record<string, Pick<AliveNote, 'clock'>>>,
  { now, isFresh }: { readonly now: number; readonly isFresh: boolean },
): Readonly<Record<string, Sign>> {
  const heard = Object.entries(alives).flatMap(([host, { clock }]): [string, Sign][] => {
    const last = before[host];
    if (last?.clock === clock) return [];
    const offsetMs = isFresh ? Date.parse(clock) - now : last?.offsetMs;
    const offset = offsetMs === undefined || Number.isNaN(offsetMs) ? {} : { offsetMs };
    return [[host, { heardAt: now, clock, ...offset }]];
  });
  return { ...before, ...Object.fromEntries(heard) };
}
