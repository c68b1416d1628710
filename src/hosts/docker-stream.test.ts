import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { asTerminal, demultiplex, jsonLines, type LogLine, logLines } from './docker-stream.ts';

const frame = (stream: 'stdout' | 'stderr', text: string): Buffer => {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream === 'stdout' ? 1 : 2;
  header.writeUInt32BE(bytes.byteLength, 4);
  return Buffer.concat([header, bytes]);
};

/** Cuts bytes at the given places, as a network does. */
function* cut(bytes: Buffer, cuts: readonly number[]): Generator<Buffer> {
  let start = 0;
  for (const at of [...cuts].sort((a, b) => a - b)) {
    const end = Math.min(at, bytes.byteLength);
    if (end > start) yield bytes.subarray(start, end);
    start = Math.max(start, end);
  }
  if (start < bytes.byteLength) yield bytes.subarray(start);
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

const output = fc.array(
  fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    text: fc.string({ unit: 'grapheme' }),
  }),
);

test('output keeps its bytes and streams, however the network cuts it', async () => {
  await fc.assert(
    fc.asyncProperty(output, fc.array(fc.nat(200)), async (pieces, cuts) => {
      const bytes = Buffer.concat(pieces.map(({ stream, text }) => frame(stream, text)));
      const chunks = await all(demultiplex(Readable.from(cut(bytes, cuts))));
      for (const stream of ['stdout', 'stderr']) {
        const expected = pieces.filter((piece) => piece.stream === stream).map(({ text }) => text);
        const found = chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes);
        assert.equal(Buffer.concat(found).toString(), expected.join(''));
      }
    }),
  );
});

const lines = (bytes: Buffer, timestamps: boolean): Promise<LogLine[]> =>
  all(logLines(demultiplex(Readable.from([bytes])), { timestamps, framed: true }));

test('a line over several frames is one line with the time of its beginning', async () => {
  const bytes = Buffer.concat([
    frame('stdout', '2026-01-01T00:00:00.1Z first '),
    frame('stderr', '2026-01-01T00:00:00.2Z between\n'),
    frame('stdout', '2026-01-01T00:00:00.3Z half\n'),
    frame('stdout', '2026-01-01T00:00:00.4Z \n'),
  ]);
  assert.deepEqual(await lines(bytes, true), [
    { stream: 'stderr', line: 'between', time: '2026-01-01T00:00:00.2Z' },
    { stream: 'stdout', line: 'first half', time: '2026-01-01T00:00:00.1Z' },
    { stream: 'stdout', line: '', time: '2026-01-01T00:00:00.4Z' },
  ]);
});

test('a last line without an end is not lost', async () => {
  const bytes = Buffer.concat([frame('stdout', 'one\r\ntw'), frame('stdout', 'o')]);
  assert.deepEqual(await lines(bytes, false), [
    { stream: 'stdout', line: 'one' },
    { stream: 'stdout', line: 'two' },
  ]);
});

test("a terminal's output has its times at the line starts", async () => {
  const source = Readable.from([
    Buffer.from('2026-01-01T00:00:00Z a b\r\n2026-01-01T0'),
    Buffer.from('0:00:01Z c\r\n'),
  ]);
  assert.deepEqual(await all(logLines(asTerminal(source), { timestamps: true, framed: false })), [
    { stream: 'stdout', line: 'a b', time: '2026-01-01T00:00:00Z' },
    { stream: 'stdout', line: 'c', time: '2026-01-01T00:00:01Z' },
  ]);
});

test('JSON lines may be cut anywhere, also inside a character', async () => {
  const bytes = Buffer.from('{"a":"ä"}\n\n{"a":"ö"}');
  for (let at = 0; at < bytes.byteLength; at += 1) {
    assert.deepEqual(await all(jsonLines(Readable.from(cut(bytes, [at])))), [{ a: 'ä' }, { a: 'ö' }]);
  }
});
