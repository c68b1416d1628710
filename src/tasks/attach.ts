import type { Duplex, Writable } from 'node:stream';
import { demultiplex, type TerminalSize } from '../hosts/index.ts';

/** The user's own end: where input comes from and output goes. */
export interface LocalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** The far end: a program in a container, with its streams attached. */
export interface RemoteProgram {
  readonly stream: Duplex;
  /** With a terminal bytes pass as they are; without one, output comes in Docker's frames. */
  readonly tty: boolean;
  resize(size: TerminalSize): Promise<void>;
}

/** Size of the user's terminal. */
export const terminalSize = ({ stdout }: Pick<LocalStreams, 'stdout'>): TerminalSize => ({
  rows: stdout.rows || 24,
  columns: stdout.columns || 80,
});

/** Whether the user sits at a terminal, so that the program may have one. */
export const isInteractive = ({ stdin, stdout }: LocalStreams): boolean =>
  stdin.isTTY === true && stdout.isTTY === true;

/**
 * Joins both ends until the program's output ends. With a terminal every key reaches the program, Ctrl-C too, and size
 * changes follow; the user's terminal is put back in order whatever happens. The signal is the one that the stream was opened
 * with; its reason is thrown when it cuts the stream.
 */
export async function joinStreams(
  local: LocalStreams,
  remote: RemoteProgram,
  signal: AbortSignal,
): Promise<void> {
  const { stdin, stdout, stderr } = local;
  const { stream, tty } = remote;
  const resize = () => {
    // A program that has just ended has no terminal to resize.
    remote.resize(terminalSize(local)).catch(() => undefined);
  };
  // A program may end before it has read everything.
  const ignore = () => undefined;
  stream.on('error', ignore);
  stdin.on('error', ignore);
  if (tty) {
    stdin.setRawMode(true);
    stdout.on('resize', resize);
  }
  stdin.pipe(stream);
  try {
    if (tty) for await (const bytes of stream) await put(stdout, bytes as Buffer);
    else {
      for await (const { stream: output, bytes } of demultiplex(stream)) {
        await put(output === 'stderr' ? stderr : stdout, bytes);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    stdin.unpipe(stream);
    stdin.pause();
    stdin.off('error', ignore);
    if (tty) {
      stdin.setRawMode(false);
      stdout.off('resize', resize);
    }
    stream.destroy();
  }
}

/** Waits while the reader is slower than the program; the program then waits too. A reader that has gone takes nothing. */
function put(output: Writable, bytes: Buffer): Promise<void> {
  if (output.errored || output.destroyed || output.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const go = () => {
      for (const event of ENDINGS) output.off(event, go);
      resolve();
    };
    for (const event of ENDINGS) output.on(event, go);
  });
}

const ENDINGS = ['drain', 'close', 'error'] as const;
