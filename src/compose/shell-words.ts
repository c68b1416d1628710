/** A command that was written as one text. */
export interface SplitCommand {
  readonly words: readonly string[];
  /** The sign of a shell, such as `>`, at which the command ended before its text did. */
  readonly end?: string;
}

/**
 * Splits a command as Docker Compose 2.40 does (github.com/mattn/go-shellwords 1.0.12 with nothing expanded): quotes and
 * backslashes as in a shell, and no shell started. What a shell would take for the end of a simple command ends it.
 *
 * @returns a sentence when it is refused.
 */
export function splitWords(text: string): SplitCommand | string {
  const state: State = { words: [], quote: '', isBackquoted: false };
  let isEscaped = false;
  for (const character of text) {
    if (isEscaped) {
      append(state, character);
      isEscaped = false;
    } else if (character === '\\' && state.quote !== "'") isEscaped = true;
    else {
      const stop = take(state, character);
      if (stop === 'refuse') return `"${character}" stands outside of quotation marks`;
      if (stop === 'end') return { words: ended(state), end: character };
    }
  }
  if (isEscaped) return 'nothing follows the last backslash';
  if (state.isBackquoted || state.quote === '(')
    return `a "${state.isBackquoted ? '`' : '$('}" is not closed`;
  return state.quote === '' ? { words: ended(state) } : 'a quotation mark is not closed';
}

interface State {
  readonly words: string[];
  /** Absent between words. */
  word?: string;
  /** What is open: `(` is that of `$(`. */
  quote: '' | '"' | "'" | '(';
  isBackquoted: boolean;
}

function append(state: State, character: string): void {
  state.word = (state.word ?? '') + character;
}

function ended(state: State): readonly string[] {
  if (state.word !== undefined) state.words.push(state.word);
  delete state.word;
  return state.words;
}

function take(state: State, character: string): 'end' | 'refuse' | undefined {
  const { quote, isBackquoted } = state;
  const isOpen = quote === '' && !isBackquoted;
  if (isOpen && /[ \t\r\n]/.test(character)) {
    ended(state);
    return undefined;
  }
  if (isOpen && /[;&|<>]/.test(character)) {
    // A number before ">" is one of a stream. Go by its first digit, as the library does.
    if (character === '>' && /^[0-9]/.test(state.word ?? '')) delete state.word;
    return 'end';
  }
  if ((character === '"' || character === "'") && (quote === '' || quote === character)) {
    state.quote = quote === '' ? character : '';
    state.word ??= '';
    return undefined;
  }
  if ((character === '(' || character === ')') && !isBackquoted && (quote === '' || quote === '(')) {
    const isRight = character === ')' ? quote === '(' : quote === '' && state.word?.endsWith('$') === true;
    if (!isRight) return 'refuse';
    state.quote = character === '(' ? '(' : '';
  }
  if (character === '`' && quote === '') state.isBackquoted = !isBackquoted;
  append(state, character);
  return undefined;
}
