import { nearestName } from '../names.ts';
import type { Style } from '../style.ts';
import { table } from './table.ts';

/** One key of a file, explained. */
export interface KeyDoc {
  readonly file: 'seawall.yml' | 'Compose';
  /** Such as `services.*.ports`; `*` stands for a name or a list's item. */
  readonly key: string;
  readonly text: string;
  /** Of Compose keys: what Seawall does with it. */
  readonly status?: 'used' | 'translated' | 'refused';
  readonly remedy?: string;
}

export interface KeyDocs {
  readonly found: readonly KeyDoc[];
  /** Keys right below what was found. */
  readonly below: readonly KeyDoc[];
  /** When nothing was found: a key that was probably meant. */
  readonly meant?: string;
}

/** Finds what a person calls a key: whole (`services.web.ports`) or only its end (`ports`, `update_config.order`). */
export function findKeyDocs(docs: readonly KeyDoc[], query: string): KeyDocs {
  const words = query
    .replaceAll(/\[\d*\]/g, '.*')
    .split('.')
    .filter((word) => word !== '');
  const whole = docs.filter(({ key }) => matches(key.split('.'), words));
  const byEnd = docs.filter(({ key }) => {
    const parts = key.split('.');
    return parts.length > words.length && parts.at(-1) !== '*' && matches(parts.slice(-words.length), words);
  });
  const found = whole.length > 0 ? whole : byEnd;
  const below = docs.filter(({ file, key }) =>
    found.some((each) => each.file === file && key.startsWith(`${each.key}.`) && isNext(each.key, key)),
  );
  if (found.length > 0) return { found, below };
  const ends = new Set(
    docs.flatMap(({ key }) =>
      key
        .split('.')
        .filter((part) => part !== '*')
        .slice(-1),
    ),
  );
  const meant = nearestName(words.at(-1) ?? '', ends);
  return { found, below, ...(meant === undefined ? {} : { meant }) };
}

const matches = (parts: readonly string[], words: readonly string[]): boolean =>
  parts.length === words.length &&
  parts.every((part, at) => part === '*' || part === words[at] || words[at] === '*');

/** One name further down; a `*` in between does not count. */
const isNext = (upper: string, key: string): boolean =>
  key
    .slice(upper.length + 1)
    .split('.')
    .filter((part) => part !== '*').length === 1;

const STATUS = {
  used: ['green', 'used'],
  translated: ['yellow', 'translated'],
  refused: ['red', 'refused'],
} as const;

/** The explanation for people. Ends with a newline. */
export function viewKeyDocs({ found, below }: KeyDocs, style: Style): string {
  const entries = found.map(({ file, key, text, status, remedy }) => {
    const state = status === undefined ? '' : `, ${style(STATUS[status][0], STATUS[status][1])}`;
    const instead = remedy === undefined ? '' : `\n  ${style('green', '→')} ${remedy}`;
    return `${style('bold', key)} ${style('dim', `(${file}`)}${state}${style('dim', ')')}\n  ${text}${instead}\n`;
  });
  if (below.length === 0) return entries.join('\n');
  const rows = below.map(({ key, text, status }) => [
    `  ${key.split('.').at(-1) === '*' ? key : shortKey(key)}`,
    status === undefined || status === 'used' ? text : `${style(STATUS[status][0], status)}: ${text}`,
  ]);
  return `${entries.join('\n')}\n${style('bold', 'Below it')}\n${table(rows)}\n`;
}

const shortKey = (key: string): string => key.split('.').slice(-2).join('.').replace(/^\*\./, '');
