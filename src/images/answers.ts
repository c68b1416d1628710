import { StringDecoder } from 'node:string_decoder';
import type { Answer } from './staging/orders.ts';

/** What is kept of a helper's other output, in characters: its end, where a program says why it dies. */
const SAID_CHARACTERS = 500;

/**
 * A helper's answers, one line of JSON each. What else it writes (its runtime's warnings, a crash) is no answer: `onOther`
 * gets the end of it as it grows.
 */
export async function* parseAnswers(
  chunks: AsyncIterable<{ readonly stream: string; readonly bytes: Buffer }>,
  onOther: (said: string) => void,
): AsyncGenerator<Answer> {
  // A character of several bytes may lie in two chunks.
  const text = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  let said = '';
  const keep = (more: string): void => {
    if (more.trim() === '') return;
    said = (said + more).slice(-SAID_CHARACTERS);
    onOther(said);
  };
  let open = '';
  for await (const { stream, bytes } of chunks) {
    if (stream !== 'stdout') {
      keep(text.stderr.write(bytes));
      continue;
    }
    const lines = (open + text.stdout.write(bytes)).split('\n');
    open = lines.pop() ?? '';
    for (const line of lines) {
      const answer = answerOf(line);
      if (answer === undefined) keep(`${line}\n`);
      else yield answer;
    }
  }
  keep(open);
}

function answerOf(line: string): Answer | undefined {
  try {
    const value = JSON.parse(line) as Partial<Answer> | null;
    return typeof value?.kind === 'string' ? (value as Answer) : undefined;
  } catch {
    return undefined;
  }
}
