import type { Readable } from 'node:stream';

/** Which of a program's outputs a piece came from. */
export type OutputStream = 'stdout' | 'stderr';

export interface OutputChunk {
  readonly stream: OutputStream;
  readonly bytes: Buffer;
}

/** One line of a container's log. */
export interface LogLine {
  readonly stream: OutputStream;
  /** Without the line end. */
  readonly line: string;
  /** As Docker wrote it (RFC 3339 with nanoseconds); only when asked for. */
  readonly time?: string;
}

const headerBytes = 8;

/**
 * Takes Docker's multiplexed stream apart (Engine API, "Attach to a container", stream format: one byte for the
 * stream, three of zero, four of length). Every chunk is one whole frame.
 */
export async function* demultiplex(source: Readable): AsyncGenerator<OutputChunk> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = pending.byteLength === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk as Buffer]);
    let start = 0;
    while (pending.byteLength - start >= headerBytes) {
      const end = start + headerBytes + pending.readUInt32BE(start + 4);
      if (pending.byteLength < end) break;
      yield {
        stream: pending[start] === 2 ? 'stderr' : 'stdout',
        bytes: pending.subarray(start + headerBytes, end),
      };
      start = end;
    }
    pending = pending.subarray(start);
  }
}

/** A terminal's output has no frames: all of it is `stdout`. */
export async function* asTerminal(source: Readable): AsyncGenerator<OutputChunk> {
  for await (const chunk of source) yield { stream: 'stdout', bytes: chunk as Buffer };
}

/**
 * Cuts output into lines. Docker writes a long line (over 16 KiB) as several frames, each with a time of its own when
 * times are asked for; they are put together again under the first one's time. A terminal's output has no frames: there
 * the times inside a long line stay.
 */
export async function* logLines(
  chunks: AsyncIterable<OutputChunk>,
  options: { readonly timestamps: boolean; readonly framed: boolean },
): AsyncGenerator<LogLine> {
  const open = new Map<OutputStream, { time: string | undefined; parts: Buffer[] }>();
  for await (const { stream, bytes } of chunks) {
    let isFrameStart = options.framed;
    let start = 0;
    while (start < bytes.byteLength) {
      const newline = bytes.indexOf(10, start);
      const end = newline === -1 ? bytes.byteLength : newline;
      let piece = bytes.subarray(start, end);
      const line = open.get(stream) ?? { time: undefined, parts: [] };
      if (options.timestamps && isFrameStart) {
        const space = piece.indexOf(32);
        if (space > 0) {
          line.time ??= piece.subarray(0, space).toString();
          piece = piece.subarray(space + 1);
        }
      }
      isFrameStart = options.framed;
      line.parts.push(piece);
      open.set(stream, line);
      if (newline === -1) break;
      yield finishLine(stream, line, options);
      open.delete(stream);
      start = newline + 1;
    }
  }
  for (const [stream, line] of open) yield finishLine(stream, line, options);
}

function finishLine(
  stream: OutputStream,
  { time, parts }: { time: string | undefined; parts: readonly Buffer[] },
  options: { readonly timestamps: boolean; readonly framed: boolean },
): LogLine {
  const text = Buffer.concat(parts).toString();
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  if (!options.timestamps) return { stream, line };
  if (options.framed) return time === undefined ? { stream, line } : { stream, line, time };
  const space = line.indexOf(' ');
  return space > 0 ? { stream, line: line.slice(space + 1), time: line.slice(0, space) } : { stream, line };
}

/** Parses a stream of JSON values, one per line. */
export async function* jsonLines<T>(source: Readable): AsyncGenerator<T> {
  let pending = '';
  const decoder = new TextDecoder();
  for await (const chunk of source) {
    pending += decoder.decode(chunk as Buffer, { stream: true });
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
  }
  if (pending.trim() !== '') yield JSON.parse(pending) as T;
}
