import { interpolate, type Lookup } from './interpolate.ts';

/** A line of an environment file that could not be read. */
export interface DotenvError {
  /** Offset in the text. */
  readonly at: number;
  readonly message: string;
}

export interface Dotenv {
  /** In the order of the file; a name written twice has its last value. */
  readonly values: ReadonlyMap<string, string>;
  readonly errors: readonly DotenvError[];
}

const BLANK = /[\s\u0085\u00a0]*/y;
const KEY = /(?:export[^\S\n]+)?([\p{L}\p{N}_.\-[\]]+)[^\S\n]*(=|:(?!=)|(?=\n)|$)[^\S\n]*/uy;

/**
 * An environment file in Docker Compose's syntax: `NAME=value`, `NAME: value`, `export NAME=value`, a bare `NAME` that takes
 * the value from outside, comments, single quotes (verbatim), double quotes (escapes, variables), both over several lines.
 *
 * @param lookup variables from outside, which win over those of the file itself when a value names one.
 * @param earlier variables of files read before, which those of the file itself win over.
 */
export function parseDotenv(text: string, lookup: Lookup, earlier: Lookup = () => undefined): Dotenv {
  const source = text.replace(/^\ufeff/, '');
  const values = new Map<string, string>();
  const errors: DotenvError[] = [];
  const resolve: Lookup = (name) => lookup(name) ?? values.get(name) ?? earlier(name);
  let at = skipBlank(source, 0);
  while (at < source.length) {
    KEY.lastIndex = at;
    const match = KEY.exec(source);
    const name = match?.[1];
    if (match === null || name === undefined) {
      errors.push({ at, message: `a line must be NAME=value, not "${lineAt(source, at)}"` });
      at = skipBlank(source, lineEnd(source, at));
      continue;
    }
    at = KEY.lastIndex;
    if (match[2] === '') {
      const inherited = lookup(name);
      if (inherited !== undefined) values.set(name, inherited);
    } else {
      const value = readValue(source, at, resolve);
      values.set(name, value.text);
      for (const message of value.errors) errors.push({ at, message });
      at = value.end;
    }
    at = skipBlank(source, at);
  }
  return { values, errors };
}

/** An environment file taken as it is (`format: raw`): every line `NAME=value`, no quotes, no variables. */
export function parseRawDotenv(text: string, lookup: Lookup): Dotenv {
  const values = new Map<string, string>();
  const errors: DotenvError[] = [];
  let at = 0;
  for (const written of text.split('\n')) {
    const line = written.replace(/\r$/, '').trimStart();
    const equals = line.indexOf('=');
    const name = equals === -1 ? line : line.slice(0, equals);
    if (line !== '' && !line.startsWith('#')) {
      const value = equals === -1 ? lookup(name) : line.slice(equals + 1);
      if (name === '' || /\s/.test(name))
        errors.push({ at, message: `a line must be NAME=value, not "${line}"` });
      else if (value !== undefined) values.set(name, value);
    }
    at += written.length + 1;
  }
  return { values, errors };
}

interface Value {
  readonly text: string;
  readonly end: number;
  readonly errors: readonly string[];
}

function readValue(source: string, at: number, lookup: Lookup): Value {
  const quote = source[at];
  if (quote === '"' || quote === "'") return readQuoted(source, at, quote, lookup);
  const end = lineEnd(source, at);
  const line = source.slice(at, end);
  const comment = line.indexOf(' #');
  const value = (comment === -1 ? line : line.slice(0, comment)).trimEnd();
  return { ...interpolate(value, lookup), end };
}

function readQuoted(source: string, start: number, quote: string, lookup: Lookup): Value {
  let text = '';
  for (let at = start + 1; at < source.length; at++) {
    const character = source[at] ?? '';
    if (character === quote) {
      const value = quote === '"' ? interpolate(expandEscapes(text), lookup) : { text, errors: [] };
      return { ...value, end: at + 1 };
    }
    if (character === '\\' && at + 1 < source.length) {
      const next = source[++at] ?? '';
      text += next === quote ? next : `\\${next}`;
    } else text += character;
  }
  return { text: '', end: source.length, errors: [`the quotation mark ${quote} is not closed`] };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
};

function expandEscapes(text: string): string {
  return text.replaceAll(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (written, letter?: string, octal?: string) => {
    if (letter === '$') return '$$';
    if (letter !== undefined) return ESCAPES[letter] ?? written;
    return octal !== undefined && /^[0-3][0-7]{2}$/.test(octal)
      ? String.fromCharCode(Number.parseInt(octal, 8))
      : written;
  });
}

function skipBlank(source: string, from: number): number {
  let at = from;
  for (;;) {
    BLANK.lastIndex = at;
    at += BLANK.exec(source)?.[0].length ?? 0;
    if (source[at] !== '#') return at;
    at = lineEnd(source, at);
  }
}

function lineEnd(source: string, at: number): number {
  const end = source.indexOf('\n', at);
  return end === -1 ? source.length : end;
}

const lineAt = (source: string, at: number) => source.slice(at, lineEnd(source, at));
