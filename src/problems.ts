import { styleText } from 'node:util';

/** The text of one file, under the name that people read. */
export interface SourceText {
  /** Absolute path; or a word in angle brackets for what is no file. */
  readonly path: string;
  /** How messages name it: relative to where the command runs. */
  readonly name: string;
  readonly text: string;
}

/** A range of a file: where a value or a key was written. Offsets count UTF-16 units. */
export interface Place {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** Something wrong in the user's files; data, not an exception, so that all of them are shown at once. */
export interface Problem {
  /** `error` when absent: nothing is done with a project that has one. */
  readonly severity?: 'error' | 'warning';
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Such as `services.web.ports[0]`. */
  readonly path: string;
  readonly message: string;
  /** What to write instead, or what to do. */
  readonly remedy?: string;
  readonly excerpt: Excerpt;
}

/** The line of the file that a problem is about. */
export interface Excerpt {
  readonly text: string;
  /** How many characters from the column on are marked; at least 1. */
  readonly length: number;
}

/** Name of a key inside a file, as keys and list indexes. */
export type KeyPath = readonly (string | number)[];

/** `services.web.ports[0]`, `routes["example.com"].port` */
export function showPath(path: KeyPath): string {
  let shown = '';
  for (const part of path) {
    if (typeof part === 'number') shown += `[${part}]`;
    else if (!/^[\w-]+$/.test(part)) shown += `[${JSON.stringify(part)}]`;
    else shown += shown === '' ? part : `.${part}`;
  }
  return shown;
}

/** Line and column (from 1) of a place. */
export function locate(place: Place): { file: string; line: number; column: number } {
  const { text, name } = place.source;
  let [line, lineStart] = [1, 0];
  for (let end = text.indexOf('\n'); end !== -1 && end < place.start; end = text.indexOf('\n', lineStart)) {
    line++;
    lineStart = end + 1;
  }
  return { file: name, line, column: place.start - lineStart + 1 };
}

/** `file:line:column` of a place. */
export function showPlace(place: Place): string {
  const { file, line, column } = locate(place);
  return `${file}:${line}:${column}`;
}

/** A problem at a place. */
export function problemAt(place: Place, path: KeyPath, message: string, remedy?: string): Problem {
  const { file, line, column } = locate(place);
  const text = place.source.text;
  const lineStart = place.start - column + 1;
  const lineEnd = text.indexOf('\n', lineStart);
  const full = text.slice(lineStart, lineEnd === -1 ? text.length : lineEnd).trimEnd();
  const length = Math.max(1, Math.min(place.end, lineStart + full.length) - place.start);
  const base = { file, line, column, path: showPath(path), message, excerpt: { text: full, length } };
  return remedy === undefined ? base : { ...base, remedy };
}

/** Whether nothing in the list forbids going on. */
export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity !== 'warning');
}

/** By file, line, column; one of each. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const order = (a: Problem, b: Problem) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column;
  const seen = new Set<string>();
  return [...problems].sort(order).filter((problem) => {
    const key = JSON.stringify([problem.file, problem.line, problem.column, problem.message]);
    return seen.has(key) ? false : seen.add(key);
  });
}

/** The screen of all problems: place, message, the line with the spot marked, remedy. */
export function renderProblems(problems: readonly Problem[], options: { readonly colour: boolean }): string {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    options.colour ? styleText(format, text, { validateStream: false }) : text;
  const sorted = sortProblems(problems);
  const shown = sorted.map((problem) => renderProblem(problem, style));
  const errors = sorted.filter((problem) => problem.severity !== 'warning').length;
  const warnings = sorted.length - errors;
  const counts = [count(errors, 'problem'), count(warnings, 'warning')].filter((text) => text !== '');
  return `${shown.join('\n')}\n${style('bold', counts.join(', '))}\n`;
}

type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

const TAB = '    ';
const WIDEST_EXCERPT = 160;

function renderProblem(problem: Problem, style: Style): string {
  const colour = problem.severity === 'warning' ? 'yellow' : 'red';
  const subject = problem.path === '' ? '' : `${style('bold', printable(problem.path))}: `;
  const where = style('cyan', `${problem.file}:${problem.line}:${problem.column}`);
  const lines = [`${where}  ${subject}${printable(problem.message)}`];
  const before = expand(problem.excerpt.text.slice(0, problem.column - 1));
  const marked = expand(
    problem.excerpt.text.slice(problem.column - 1, problem.column - 1 + problem.excerpt.length),
  );
  if (before.length + marked.length <= WIDEST_EXCERPT) {
    const gutter = `${problem.line}`.padStart(5);
    lines.push(style('dim', `${gutter} | `) + expand(problem.excerpt.text).slice(0, WIDEST_EXCERPT));
    lines.push(
      style('dim', '      | ') +
        ' '.repeat(before.length) +
        style(colour, '^'.repeat(Math.max(1, marked.length))),
    );
  }
  if (problem.remedy !== undefined) lines.push(`      ${style('green', '→')} ${printable(problem.remedy)}`);
  return `${lines.join('\n')}\n`;
}

function count(amount: number, noun: string): string {
  if (amount === 0) return '';
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

function expand(text: string): string {
  return printable(text.replaceAll('\t', TAB));
}

/**
 * Text that a terminal only shows: a file may hold escape sequences, and signs that turn the direction of what follows
 * (Unicode's categories Cc, Cf, Zl, Zp but the line break and the joiners of emoji and scripts).
 */
export function printable(text: string): string {
  return text.replaceAll(/(?![\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u00b7');
}
