import assert from 'node:assert/strict';
import { test } from 'node:test';
import { superviseLoop } from './agent-loops.ts';

test('a loop that breaks is said, started again, and takes nothing else down', async () => {
  const end = new AbortController();
  const lines: string[] = [];
  let runs = 0;
  const brittle = async () => {
    runs += 1;
    if (runs < 3) throw new Error(`broken ${runs}`);
    end.abort();
  };
  let isOtherEnded = false;
  const other = async () => {
    await new Promise((resolve) => end.signal.addEventListener('abort', resolve));
    isOtherEnded = true;
  };
  const loops = { signal: end.signal, log: (line: string) => lines.push(line) };
  await Promise.all([superviseLoop('brittle', brittle, loops), superviseLoop('other', other, loops)]);
  assert.deepEqual(lines, [
    'error brittle: broken 1; it is started again',
    'error brittle: broken 2; it is started again',
  ]);
  assert.ok(isOtherEnded);
});
