/**
 * - `used`: does what the Compose Specification says.
 * - `translated`: is understood, but done differently on a cluster; the sentence says how.
 * - `refused`: a file with this key is not deployed; the remedy says what to write instead.
 */
export type KeyStatus = 'used' | 'translated' | 'refused';

/** How Seawall treats one key of the Compose Specification. */
export interface KeyRow {
  /** Such as `services.*.ports.*.target`; `*` is a name or a list's item. */
  readonly key: string;
  readonly status: KeyStatus;
  /** One sentence: what it does here, or why it is refused. */
  readonly text: string;
  /** Of refused keys: what to write instead. */
  readonly remedy?: string;
  /** A translated key that needs no remark in the plan: nobody would expect an effect on a server. */
  readonly isQuiet?: boolean;
}

type Texts = readonly [text: string, keys: string];

/** Keys of one sentence, separated by white space, below a common prefix. */
function rows(
  prefix: string,
  status: KeyStatus,
  keys: string,
  text: string,
  more: Partial<KeyRow> = {},
): KeyRow[] {
  return keys
    .trim()
    .split(/\s+/)
    .map((key) => ({
      key: key === '.' ? prefix : prefix === '' ? key : `${prefix}.${key}`,
      status,
      text,
      ...more,
    }));
}

/** Keys below a prefix that are used; `.` is the prefix itself. */
export const used = (prefix: string, ...groups: readonly Texts[]): KeyRow[] =>
  groups.flatMap(([text, keys]) => rows(prefix, 'used', keys, text));

export const translated = (prefix: string, ...groups: readonly Texts[]): KeyRow[] =>
  groups.flatMap(([text, keys]) => rows(prefix, 'translated', keys, text));

/** Translated, without a remark in the plan. */
export const quiet = (prefix: string, ...groups: readonly Texts[]): KeyRow[] =>
  groups.flatMap(([text, keys]) => rows(prefix, 'translated', keys, text, { isQuiet: true }));

export const refused = (
  prefix: string,
  ...groups: readonly (readonly [text: string, remedy: string, keys: string])[]
): KeyRow[] => groups.flatMap(([text, remedy, keys]) => rows(prefix, 'refused', keys, text, { remedy }));
