import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAnswers } from './answers.ts';
import type { Answer } from './staging/orders.ts';

const stdout = (bytes: Buffer) => ({ stream: 'stdout', bytes });

async function read(chunks: readonly { readonly stream: string; readonly bytes: Buffer }[]) {
  async function* each() {
    yield* chunks;
  }
  const answers: Answer[] = [];
  let said = '';
  for await (const answer of parseAnswers(each(), (other) => (said = other))) answers.push(answer);
  return { answers, said };
}

test('answers come through whole however their bytes are cut, with lines between them that are no answers', async () => {
  const answers: Answer[] = [
    { kind: 'bytes', bytes: 7 },
    { kind: 'failed', code: 'ENOENT', message: 'kein Platz für „größe“ 🌊' },
    { kind: 'done', result: null },
  ];
  const noise = [
    '2026-11-22 {"kind"',
    '{"kind":"bytes"}{"kind":"bytes"}',
    'null',
    '17',
    '[]',
    '{"kind":3}',
    '',
  ];
  const bytes = Buffer.from(
    [...noise, ...answers.flatMap((each) => [JSON.stringify(each), '17 x']), ''].join('\n'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
      const ends = [...cuts, bytes.length].sort((a, b) => a - b);
      const chunks = ends.map((end, index) => stdout(bytes.subarray(ends[index - 1] ?? 0, end)));
      const found = await read(chunks);
      assert.deepEqual(found.answers, answers);
      assert.match(found.said, /17 x\n$/);
    }),
    { numRuns: 50 },
  );
});

test("the end of a helper's crash is kept, whichever way it says it", async () => {
  const crash = 'x'.repeat(2000);
  const { answers, said } = await read([
    { stream: 'stderr', bytes: Buffer.from(`${crash}\nout of memory`) },
    stdout(Buffer.from('half an answer {"kind"')),
  ]);
  assert.deepEqual(answers, []);
  assert.match(said, /x\nout of memoryhalf an answer \{"kind"$/);
  assert.ok(said.length <= 500);
});
