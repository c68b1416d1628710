import { spawn } from 'node:child_process';
import { SeawallError } from '../src/errors.ts';

export interface CommandOptions {
  /** What the program reads on its standard input; nothing by default. */
  readonly input?: string | Buffer;
  /** Ends the program after this many milliseconds; no limit by default. */
  readonly timeoutMs?: number;
  /** The working folder; this process's own by default. */
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  /** The exit code; -1 when a signal ended the program or it could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell and tells how it ended; never throws because of its exit code. */
export function tryCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      signal: options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs),
      killSignal: 'SIGKILL',
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program that ends before it read everything closes its pipe; its exit code tells the rest.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    child.on('error', (error) => resolve({ code: -1, stdout: '', stderr: error.message }));
    child.on('close', (code) =>
      resolve({
        code: code ?? -1,
        stdout: String(Buffer.concat(stdout)),
        stderr: String(Buffer.concat(stderr)),
      }),
    );
  });
}

/** Runs a program and returns what it printed, trimmed; throws with the end of its output when it fails. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(program, args, options);
  if (code === 0) return stdout.trim();
  const tail = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n');
  throw new SeawallError(program === 'docker' ? 'docker' : 'refused', `${program} ${args[0] ?? ''} failed`, {
    where: [program, ...args].join(' ').slice(0, 300),
    cause: new Error(tail),
  });
}
