import { posix } from 'node:path';
import dockerignore from '@balena/dockerignore';
import { SeawallError } from '../errors.ts';

/** What a `.dockerignore` leaves out of a build context. Paths are relative to the context. */
export interface IgnoreRules {
  ignores(path: string): boolean;
  /** Whether an ignored folder is ignored with all that is in it: no `!` rule can bring a file below it back. */
  ignoresWhole(folder: string): boolean;
}

/**
 * @param file absolute path of the rules, for the message.
 * @throws SeawallError `input` for a pattern that is none.
 */
export function parseIgnoreRules(text: string, file: string): IgnoreRules {
  const lines = text.split(/\r?\n/).map(escapeLiterals);
  for (const [index, line] of lines.entries()) checkPattern(line, `${file}:${index + 1}`);
  const matcher = dockerignore.default().add(lines);
  const negated = lines
    .map((line) => line.trim())
    .filter((line) => line.startsWith('!'))
    .map((line) => posix.join('.', line.slice(1).trim()).split('/'));
  return {
    ignores: (path) => matcher.ignores(path),
    ignoresWhole: (folder) =>
      matcher.ignores(folder) && !negated.some((parts) => mayReach(parts, folder.split('/'))),
  };
}

/** These stand for themselves (moby/patternmatcher); the library takes them for those of a regular expression. */
const escapeLiterals = (line: string): string =>
  line.replaceAll(/\\.|[+(){}|]/g, (found) => (found.length === 2 ? found : `\\${found}`));

function checkPattern(line: string, where: string): void {
  try {
    dockerignore.default().add(line).ignores('a');
  } catch (cause) {
    const hint = 'Close its brackets, write "\\[" for a bracket in a name, or remove the line.';
    throw new SeawallError('input', `"${line.trim()}" is no pattern`, { where, hint, cause });
  }
}

/** Whether a pattern may match a path below a folder. */
function mayReach(pattern: readonly string[], folder: readonly string[]): boolean {
  for (const [index, own] of folder.entries()) {
    const part = pattern[index];
    if (part === undefined || part.includes('**')) return true;
    if (part !== own && !/[*?[\\]/.test(part)) return false;
  }
  return true;
}
