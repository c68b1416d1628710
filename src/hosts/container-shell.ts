import type { Duplex } from 'node:stream';
import { SeawallError } from '../errors.ts';
import type { Docker } from './docker.ts';
import { demultiplex } from './docker-stream.ts';

export interface ShellOptions {
  readonly docker: Pick<Docker, 'execInteractive'>;
  readonly container: string;
  /**
   * Name → constant shell text; `$1` is what {@link ContainerShell.run} gives. Names are plain words. A program may be run twice for
   * one question, when the first shell ended meanwhile.
   */
  readonly programs: Readonly<Record<string, string>>;
}

export interface ShellResult {
  readonly exitCode: number;
  /** Both outputs, in the order in which they were written. */
  readonly output: string;
}

interface Waiting {
  readonly id: number;
  readonly take: (result: ShellResult) => void;
  readonly fail: (error: unknown) => void;
}

/** Stands before the line that ends an answer; text of programs in a container does not hold it. */
const mark = '\u001e';
const outputLimit = 16 * 1024 * 1024;

/**
 * One `sh` that is kept running in a container and runs constant programs, one after the other: to have Docker start a
 * program costs several times what the programs themselves do (0.1 s on a small machine). It is opened at the first use, and
 * again after the container or Docker was restarted; it ends with this process.
 */
export class ContainerShell {
  readonly #options: ShellOptions;
  #stream: Duplex | undefined;
  #waiting: Waiting | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  /**
   * Runs one of the programs with an argument of one line.
   * @throws DockerError (not found, conflict) when the container does not run; SeawallError `timeout`, `docker` when the shell
   *   ended under it, `input` for an argument of several lines.
   */
  run(
    program: string,
    argument: string,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
  ): Promise<ShellResult> {
    if (/[\r\n\0]/.test(argument) || this.#options.programs[program] === undefined)
      throw new SeawallError('input', `${program} cannot be run with this argument`);
    const result = this.#turn.then(() => {
      signal.throwIfAborted();
      return this.#ask(
        program,
        argument,
        AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        timeoutMs,
      );
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Ends the shell; the next `run` opens another. */
  close(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
  }

  async #ask(program: string, argument: string, limit: AbortSignal, timeoutMs: number): Promise<ShellResult> {
    const kept = this.#stream;
    if (kept === undefined) return this.#askIn(await this.#open(), program, argument, limit, timeoutMs);
    try {
      return await this.#askIn(kept, program, argument, limit, timeoutMs);
    } catch (error) {
      // It may have ended with its container long ago, which only this question brought to light.
      if (limit.aborted || !(error instanceof ShellEnded)) throw error;
      return this.#askIn(await this.#open(), program, argument, limit, timeoutMs);
    }
  }

  async #askIn(
    stream: Duplex,
    program: string,
    argument: string,
    limit: AbortSignal,
    timeoutMs: number,
  ): Promise<ShellResult> {
    this.#count += 1;
    const answer = Promise.withResolvers<ShellResult>();
    this.#waiting = { id: this.#count, take: answer.resolve, fail: answer.reject };
    const stop = () => {
      const { container } = this.#options;
      const late = new SeawallError(
        'timeout',
        `${program} in ${container} did not end within ${timeoutMs / 1000} s`,
      );
      answer.reject(
        limit.reason instanceof DOMException && limit.reason.name === 'TimeoutError' ? late : limit.reason,
      );
      // What it says now belongs to no question any more.
      this.close();
    };
    limit.addEventListener('abort', stop, { once: true });
    try {
      stream.write(`${this.#count}\n${program}\n${argument}\n`);
      return await answer.promise;
    } finally {
      this.#waiting = undefined;
      limit.removeEventListener('abort', stop);
    }
  }

  async #open(): Promise<Duplex> {
    const { docker, container, programs } = this.#options;
    const { stream } = await docker.execInteractive(container, ['sh', '-c', loopText(programs)], {
      tty: false,
    });
    this.#stream = stream;
    stream.on('error', () => {});
    void this.#read(stream);
    return stream;
  }

  async #read(stream: Duplex): Promise<void> {
    let pending = '';
    try {
      const decoder = new TextDecoder();
      for await (const { bytes } of demultiplex(stream)) {
        pending += decoder.decode(bytes, { stream: true });
        const end = pending.lastIndexOf(mark);
        const found = /^ (\d+) (\d+)\n/.exec(end === -1 ? '' : pending.slice(end + 1));
        if (found === null) {
          if (pending.length > outputLimit) break;
          continue;
        }
        if (Number(found[1]) === this.#waiting?.id)
          this.#waiting.take({ exitCode: Number(found[2]), output: pending.slice(0, end) });
        pending = '';
      }
    } catch {
      // As if it had ended: whoever waits is told below.
    }
    if (this.#stream === stream) this.#stream = undefined;
    stream.destroy();
    const { container } = this.#options;
    this.#waiting?.fail(new ShellEnded(container));
  }
}

class ShellEnded extends SeawallError {
  constructor(container: string) {
    super('docker', `the shell in ${container} ended`, { where: container });
  }
}

/** Reads a number, a program's name and its argument, each on a line; prints what it says, then the mark. */
function loopText(programs: Readonly<Record<string, string>>): string {
  const functions = Object.entries(programs).map(([name, text]) => `run_${name}() {\n${text}\n}`);
  return `${functions.join('\n')}
while IFS= read -r id && IFS= read -r name && IFS= read -r argument; do
  "run_$name" "$argument" </dev/null 2>&1
  printf '\\036 %s %s\\n' "$id" "$?"
done`;
}
