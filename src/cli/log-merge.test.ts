import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LogMerger } from './log-merge.ts';

interface Line {
  readonly time: string;
  readonly from: number;
}

async function* lines(from: number, times: readonly number[]): AsyncGenerator<Line> {
  for (const time of times) {
    if (time % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    yield { time: String(time).padStart(6, '0'), from };
  }
}

async function all(merger: LogMerger<Line>): Promise<Line[]> {
  const found: Line[] = [];
  for await (const line of merger) found.push(line);
  return found;
}

const never = new AbortController().signal;

test('logs that end come out whole and in the order of their time, however many hosts they are from', async () => {
  const logs = fc.array(
    fc.array(fc.nat(99_999)).map((times) => times.sort((a, b) => a - b)),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(logs, async (sources) => {
      const merger = new LogMerger<Line>({ signal: never, patienceMs: 10_000 });
      sources.forEach((times, from) => void merger.add(lines(from, times)));
      merger.seal();
      const found = (await all(merger)).map(({ time }) => Number(time));
      assert.deepEqual(
        found,
        sources.flat().sort((a, b) => a - b),
      );
    }),
    { numRuns: 60 },
  );
});

test('a replica that says nothing does not hold back the others', async () => {
  const stop = new AbortController();
  const merger = new LogMerger<Line>({ signal: stop.signal, patienceMs: 5 });
  merger.add(silence());
  merger.add(lines(1, [1, 2, 3]));
  const found: Line[] = [];
  for await (const line of merger) {
    found.push(line);
    if (found.length === 3) stop.abort();
  }
  assert.equal(found.length, 3);
});

test('a replica that appears while the log is followed joins in', async () => {
  const stop = new AbortController();
  const merger = new LogMerger<Line>({ signal: stop.signal, patienceMs: 5 });
  merger.add(lines(1, [1]));
  const from: number[] = [];
  for await (const line of merger) {
    from.push(line.from);
    if (line.from === 1) merger.add(lines(2, [2]));
    else stop.abort();
  }
  assert.deepEqual(from, [1, 2]);
});

test('a slow reader is not read ahead of: at most one line of each source is held', async () => {
  let made = 0;
  async function* eager(): AsyncGenerator<Line> {
    for (;;) yield { time: String(++made).padStart(6, '0'), from: 0 };
  }
  const stop = new AbortController();
  const merger = new LogMerger<Line>({ signal: stop.signal });
  merger.add(eager());
  let read = 0;
  for await (const _line of merger) {
    read += 1;
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(made <= read + 1, `${made} made, ${read} read`);
    if (read === 50) stop.abort();
  }
});

async function* silence(): AsyncGenerator<Line> {
  await new Promise(() => {});
  yield { time: '', from: -1 };
}
