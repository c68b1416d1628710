import { createInterface } from 'node:readline/promises';
import { SeawallError } from '../errors.ts';
import type { Context } from './context.ts';

export interface Question {
  /** What the command is about to do, for the refusal: `deploy`. */
  readonly command: string;
  readonly text: string;
  /** Instead of "yes" this word has to be typed: for what cannot be undone. */
  readonly word?: string;
}

/**
 * Asks on the terminal; `--yes` answers.
 * @throws SeawallError `input` when nobody can be asked, `interrupted` when the answer is Ctrl-C or Ctrl-D.
 */
export async function confirm({ terminal, options, signal }: Context, question: Question): Promise<boolean> {
  if (options.yes) return true;
  const { stdin, stderr } = terminal;
  if (options.json || !stdin.isTTY || !stderr.isTTY) {
    const why = options.json ? 'with --json nobody is asked' : 'there is no terminal to ask on';
    throw new SeawallError('input', `${question.command} asks before it changes anything, and ${why}`, {
      hint: 'Add --yes, or set SEAWALL_YES=1.',
    });
  }
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const prompt = question.word === undefined ? `${question.text} [y/N] ` : `${question.text} `;
    const answer = (await lines.question(prompt, { signal })).trim();
    return question.word === undefined ? /^y(es)?$/i.test(answer) : answer === question.word;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    // Ctrl-C and Ctrl-D at the question, which readline takes before they become a signal.
    stderr.write('\n');
    throw new SeawallError('interrupted', 'nothing was changed', { cause: error });
  } finally {
    lines.close();
  }
}
