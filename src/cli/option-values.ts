import { SeawallError } from '../errors.ts';
import { parseDurationMs } from '../units.ts';

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  value,
];

/** `NAME=value` as it is, `NAME` with the caller's own value; left out when it has none. */
export function envEntries(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  return words.flatMap((word) => {
    if (word.startsWith('=') || word === '') {
      throw new SeawallError('input', `--env ${word} has no name`, { hint: 'Write --env NAME=value' });
    }
    if (word.includes('=')) return [word];
    const value = env[word];
    return value === undefined ? [] : [`${word}=${value}`];
  });
}

/** A count such as `--tail 100`. @throws SeawallError `input` */
export function parseCount(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new SeawallError('input', `${option} ${text} is no number`, { hint: `Write it as ${option} 100` });
}

/**
 * Seconds since the epoch of a time such as `2026-01-31T10:00:00Z`, or of a time ago such as `10m`.
 * @throws SeawallError `input`
 */
export function parseTime(option: string, text: string, now: number): number {
  const ago = parseDurationMs(text);
  // Date.parse makes a time of almost anything: of "10" the October of 2001.
  const isTime = /^\d{4}-\d\d-\d\d/.test(text);
  const at = ago !== undefined ? now - ago : isTime ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(at)) return at / 1000;
  throw new SeawallError('input', `${option} ${text} is no time`, {
    hint: `Write it as ${option} 10m, or ${option} 2026-01-31T10:00:00Z`,
  });
}

/** The program to run, without the `--` that many write in front of it. */
export const programOf = (words: readonly string[]): readonly string[] =>
  words[0] === '--' ? words.slice(1) : words;

/** Of `--lock-wait` without a duration. */
const LOCK_WAIT_MS = 600_000;

/** For commands that change a project. */
export const lockWaitOption = [
  '--lock-wait [duration]',
  'wait for somebody else who changes the project, such as 5m (without a duration: 10m), instead of failing at once',
] as const;

/** For commands that plan. */
export const skipUnreachableOption = [
  '--skip-unreachable',
  'go on without hosts that do not answer; what ran there is started elsewhere where volumes allow it',
] as const;

/** The milliseconds of `--lock-wait`; none without the option. @throws SeawallError `input` */
export function lockWait(value: string | boolean | undefined): { readonly lockWaitMs?: number } {
  if (value === undefined || value === false) return {};
  if (value === true) return { lockWaitMs: LOCK_WAIT_MS };
  const lockWaitMs = parseDurationMs(value);
  if (lockWaitMs !== undefined && lockWaitMs >= 0) return { lockWaitMs };
  throw new SeawallError('input', `--lock-wait ${value} is no duration`, {
    hint: 'Write it as --lock-wait 5m, or --lock-wait alone for ten minutes behind everything else.',
  });
}
