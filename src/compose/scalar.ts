import type { Scalar, ScalarNode } from './node.ts';

const INTEGER = /^[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INFINITY = /^[-+]?\.(inf|Inf|INF)$/;
const WORDS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ['', null],
  ['~', null],
  ['null', null],
  ['Null', null],
  ['NULL', null],
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
  ['.nan', Number.NaN],
  ['.NaN', Number.NaN],
  ['.NAN', Number.NaN],
]);

/**
 * What an unquoted YAML scalar means to Docker Compose, whose library (go-yaml v3) mixes YAML 1.1 and 1.2: `0777` is
 * octal and `1_000` a number, but `yes`, `on` and `22:22` are text.
 */
export function resolvePlainScalar(text: string): Scalar {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.0-9]/.test(text)) return text;
  const digits = text.replaceAll('_', '');
  if (INTEGER.test(digits)) return parseInteger(digits);
  if (FLOAT.test(digits)) return Number(digits);
  if (INFINITY.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return text;
}

function parseInteger(digits: string): number {
  const sign = digits.startsWith('-') ? -1 : 1;
  const bare = digits.replace(/^[-+]/, '');
  if (/^0[xXbB]/.test(bare)) return sign * Number(bare);
  if (/^0[oO]/.test(bare)) return sign * Number.parseInt(bare.slice(2), 8);
  return sign * Number.parseInt(bare, /^0[0-7]+$/.test(bare) ? 8 : 10);
}

/** A scalar as Go's `fmt.Sprint` writes it: what becomes of `A: 1.5` in an environment. `null` is empty. */
export function showScalar(value: Scalar): string {
  if (value === null) return '';
  if (typeof value !== 'number' || Number.isInteger(value))
    return typeof value === 'number' ? showWhole(value) : `${value}`;
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  return exponent < -4 || exponent >= 6 ? goExponent(value) : `${value}`;
}

function showWhole(value: number): string {
  return Math.abs(value) >= 1e21 ? goExponent(value) : BigInt(value).toString();
}

function goExponent(value: number): string {
  return value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2');
}

/** A scalar of the file as text; see {@link showScalar}. */
export const showNode = (node: ScalarNode): string => node.shown ?? showScalar(node.value);

/** How Go shows the number that an unquoted scalar is, where its value here does not tell it. */
export function shownNumber(text: string, value: Scalar): string | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  const digits = text.replaceAll('_', '');
  if (!INTEGER.test(digits)) return Math.abs(value) >= 1e6 ? goExponent(value) : undefined;
  if (Number.isSafeInteger(value) || !/^[-+]?[1-9]/.test(digits)) return undefined;
  const whole = BigInt(digits.replace('+', ''));
  return whole >= -(2n ** 63n) && whole < 2n ** 64n ? `${whole}` : goExponent(value);
}

const DATE =
  /^\d{4}-(?<month>\d{1,2})-(?<day>\d{1,2})(?:[Tt]\d+:\d+:\d+(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)| \d+:\d+:\d+(?:\.\d+)?)?$/;

/** Whether an unquoted scalar is a date to Docker Compose's library, which no key of a Compose file takes. */
export function isDate(text: string): boolean {
  const { month, day } = DATE.exec(text)?.groups ?? {};
  const isWithin = (number: string | undefined, most: number) =>
    Number(number) >= 1 && Number(number) <= most;
  return isWithin(month, 12) && isWithin(day, 31);
}
