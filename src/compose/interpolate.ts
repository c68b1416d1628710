/** What interpolation made of a text. */
export interface Interpolated {
  readonly text: string;
  /** What is wrong with it: bad syntax, or a required variable that is missing. */
  readonly errors: readonly string[];
  /** Variables that are used without a default and are not set: they became empty. */
  readonly unset: readonly string[];
}

/** Value of a variable; `undefined` when it is not set. */
export type Lookup = (name: string) => string | undefined;

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /:?[-+?]/y;

/**
 * Replaces `$NAME` and braced forms with the operators `:-`, `-`, `:+`, `+`, `:?`, `?`, nested to any depth, and `$$`
 * by `$` (Compose Specification, "Interpolation"). Never throws. A variable that is not set is empty.
 */
export function interpolate(text: string, lookup: Lookup): Interpolated {
  return interpolateAt(text, lookup, 0);
}

/** Defaults inside defaults: more is no use to anybody, and a stack ends. */
const DEEPEST = 100;

function interpolateAt(text: string, lookup: Lookup, depth: number): Interpolated {
  if (!text.includes('$')) return { text, errors: [], unset: [] };
  const found: Found = { errors: [], unset: [], depth };
  if (depth > DEEPEST)
    return { text: '', errors: ['variables stand inside each other too deeply'], unset: [] };
  let result = '';
  let at = 0;
  for (let dollar = text.indexOf('$'); dollar !== -1; dollar = text.indexOf('$', at)) {
    result += text.slice(at, dollar);
    const [value, end] = substitute(text, dollar, lookup, found);
    result += value;
    at = end;
  }
  return { text: result + text.slice(at), errors: found.errors, unset: found.unset };
}

interface Found {
  readonly errors: string[];
  readonly unset: string[];
  readonly depth: number;
}

/** The value of what starts at the dollar sign, and where it ends. */
function substitute(
  text: string,
  dollar: number,
  lookup: Lookup,
  found: Found,
): [value: string, end: number] {
  const next = text[dollar + 1];
  if (next === '$') return ['$', dollar + 2];
  if (next === '{') return substituteBraced(text, dollar, lookup, found);
  const name = matchAt(NAME, text, dollar + 1);
  // A lone dollar sign stays, as in Docker Compose.
  if (name === '') return ['$', dollar + 1];
  return [plainValue(name, lookup, found), dollar + 1 + name.length];
}

function plainValue(name: string, lookup: Lookup, found: Found): string {
  const value = lookup(name);
  if (value === undefined) found.unset.push(name);
  return value ?? '';
}

function substituteBraced(text: string, dollar: number, lookup: Lookup, found: Found): [string, number] {
  const close = closingBrace(text, dollar + 1);
  const end = close === -1 ? text.length : close + 1;
  const written = text.slice(dollar, end);
  const name = matchAt(NAME, text, dollar + 2);
  const operatorAt = dollar + 2 + name.length;
  const operator = matchAt(OPERATOR, text, operatorAt);
  if (close === -1 || name === '' || (operator === '' && operatorAt !== close)) {
    found.errors.push(`"${written}" is not a variable; write "$$" for a dollar sign that should stay`);
    return ['', end];
  }
  if (operator === '') return [plainValue(name, lookup, found), end];
  const operand = text.slice(operatorAt + operator.length, close);
  return [applyOperator(name, operator, operand, lookup, found), end];
}

function applyOperator(
  name: string,
  operator: string,
  operand: string,
  lookup: Lookup,
  found: Found,
): string {
  const value = lookup(name);
  const isGiven = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  const useOperand = () => {
    const inner = interpolateAt(operand, lookup, found.depth + 1);
    found.errors.push(...inner.errors);
    found.unset.push(...inner.unset);
    return inner.text;
  };
  if (operator.endsWith('-')) return isGiven ? (value ?? '') : useOperand();
  if (operator.endsWith('+')) return isGiven ? useOperand() : '';
  if (isGiven) return value ?? '';
  const reason = useOperand();
  found.errors.push(
    `the variable ${name} is required but ${value === undefined ? 'not set' : 'empty'}${reason === '' ? '' : `: ${reason}`}`,
  );
  return '';
}

/** Index of the brace that closes the one at `open`; -1 without one. */
function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
