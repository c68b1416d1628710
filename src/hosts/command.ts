import { spawn } from 'node:child_process';
import { SeawallError } from '../errors.ts';

/** Milliseconds until a command must have ended, where a call does not say otherwise. */
export const commandTimeoutMs = 60_000;

export interface CommandOptions {
  /** What the command reads; nothing by default. */
  readonly stdin?: string | Uint8Array;
  /** Added to this process's environment; for programs that run on this machine only. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; 60000 by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Gets output while the command runs. */
  readonly onOutput?: (text: string) => void;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a local program without a shell. Throws `timeout`, or the signal's reason. */
export function run(
  program: string,
  args: readonly string[],
  options: CommandOptions & { readonly where: string },
): Promise<CommandResult> {
  const timeoutMs = options.timeoutMs ?? commandTimeoutMs;
  return new Promise((resolve, reject) => {
    options.signal?.throwIfAborted();
    const child = spawn(program, args, {
      stdio: 'pipe',
      env: { ...process.env, LC_ALL: 'C', ...options.env },
    });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let failure: unknown;
    const stop = (reason: unknown) => {
      failure ??= reason;
      child.kill('SIGKILL');
    };
    const abort = () => stop(options.signal?.reason);
    const late = `the command did not end within ${timeoutMs / 1000} s`;
    const timer = setTimeout(
      () => stop(new SeawallError('timeout', late, { where: options.where })),
      timeoutMs,
    );
    options.signal?.addEventListener('abort', abort, { once: true });
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        output[name].push(chunk);
        options.onOutput?.(chunk.toString());
      });
    }
    child.stdin.on('error', () => {});
    child.stdin.end(options.stdin);
    child.on('error', (error) => {
      failure ??= spawnError(error, program);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      if (failure !== undefined) reject(failure);
      else resolve({ exitCode: code ?? 255, stdout: text(output.stdout), stderr: text(output.stderr) });
    });
  });
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString();
}

/** Debian's packages of the programs that Seawall calls. */
const packages: Readonly<Record<string, string>> = { ssh: 'openssh-client', docker: 'docker.io' };

/** What it means that a program could not be started. */
export function spawnError(error: Error, program: string): SeawallError {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new SeawallError(
    'input',
    isMissing ? `${program} is not installed here` : `${program} could not be started`,
    {
      cause: error,
      ...(isMissing ? { hint: `apt install ${packages[program] ?? program}` } : {}),
    },
  );
}
