import { execFile } from 'node:child_process';
import { SeawallError } from '../errors.ts';

export interface CommandOptions {
  /** Written to its standard input. */
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds; default 20000. */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** -1: ended by a signal, or there is no such program. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program and waits for its end, whatever its exit code. Never throws. */
export function tryCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program = '', ...rest] = argv;
  const { signal, timeoutMs = 20_000 } = options;
  return new Promise((resolve) => {
    const child = execFile(
      program,
      rest,
      { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024, ...(signal === undefined ? {} : { signal }) },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr: stderr || (error === null ? '' : error.message) });
      },
    );
    // A program that ends before it has read everything says why on stderr.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

/** Like {@link tryCommand}; throws `refused` when the exit code is not 0. @returns its standard output. */
export async function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(argv, options);
  if (code === 0) return stdout;
  throw new SeawallError(
    'refused',
    `"${argv.join(' ')}" failed: ${stderr.trim().slice(0, 500) || `exit code ${code}`}`,
  );
}
