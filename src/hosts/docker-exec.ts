import type { Duplex } from 'node:stream';
import { SeawallError } from '../errors.ts';
import type { DockerHttp } from './docker-http.ts';
import { demultiplex } from './docker-stream.ts';

export interface ExecOptions {
  readonly user?: string;
  readonly isPrivileged?: boolean;
  /** `NAME=value`. Visible to everybody who may inspect the container: no secrets. */
  readonly env?: readonly string[];
  readonly workingDir?: string;
  /** What the program reads; nothing by default. */
  readonly stdin?: string | Uint8Array;
  /** Milliseconds until the wait for the program ends (the program itself goes on); 30000 by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InteractiveOptions {
  readonly user?: string;
  readonly isPrivileged?: boolean;
  readonly env?: readonly string[];
  readonly workingDir?: string;
  readonly tty: boolean;
  /** Size of the terminal at the start. */
  readonly size?: TerminalSize;
  readonly signal?: AbortSignal | undefined;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A program that runs in a container with its input and output attached. */
export interface InteractiveExec {
  /** With a tty plain bytes; without one, take the output apart with `demultiplex`. Ending it ends the input. */
  readonly stream: Duplex;
  resize(size: TerminalSize): Promise<void>;
  /** The program's exit code, once the stream has ended. */
  exitCode(): Promise<number>;
}

/** Most output that {@link runExec} keeps. */
const outputLimitBytes = 16 * 1024 * 1024;
const execTimeoutMs = 30_000;

/** Runs a program in a running container and waits for its end. Throws `timeout` when it takes too long. */
export async function runExec(
  http: DockerHttp,
  container: string,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const timeoutMs = options.timeoutMs ?? execTimeoutMs;
  const limit = new AbortController();
  const late = new SeawallError(
    'timeout',
    `${argv[0]} in ${container} did not end within ${timeoutMs / 1000} s`,
    {
      where: http.where,
    },
  );
  const timer = setTimeout(() => limit.abort(late), timeoutMs);
  const signal =
    options.signal === undefined ? limit.signal : AbortSignal.any([options.signal, limit.signal]);
  try {
    const id = await createExec(
      http,
      container,
      argv,
      { ...options, tty: false, signal },
      options.stdin !== undefined,
    );
    const stream = await startExec(http, id, false, signal);
    // A program may end before it has read everything.
    stream.on('error', () => {});
    if (options.stdin !== undefined) stream.end(options.stdin);
    const output = await collect(stream);
    signal.throwIfAborted();
    return { exitCode: await execExitCode(http, id, signal), ...output };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Starts a program in a running container with its streams attached, with a terminal or without. */
export async function openExec(
  http: DockerHttp,
  container: string,
  argv: readonly string[],
  options: InteractiveOptions,
): Promise<InteractiveExec> {
  const id = await createExec(http, container, argv, options, true);
  const stream = await startExec(http, id, options.tty, options.signal);
  const resize = async ({ rows, columns }: TerminalSize) => {
    await http.text({ method: 'POST', path: `/exec/${id}/resize`, query: { h: rows, w: columns } });
  };
  if (options.tty && options.size !== undefined) await resize(options.size).catch(() => {});
  return { stream, resize, exitCode: () => execExitCode(http, id, options.signal) };
}

async function createExec(
  http: DockerHttp,
  container: string,
  argv: readonly string[],
  options: InteractiveOptions,
  hasInput: boolean,
): Promise<string> {
  const created = await http.json<{ Id: string }>({
    method: 'POST',
    path: `/containers/${encodeURIComponent(container)}/exec`,
    body: {
      AttachStdin: hasInput,
      AttachStdout: true,
      AttachStderr: true,
      Tty: options.tty,
      Cmd: argv,
      ...(options.env === undefined ? {} : { Env: options.env }),
      ...(options.user === undefined ? {} : { User: options.user }),
      ...(options.isPrivileged === true ? { Privileged: true } : {}),
      ...(options.workingDir === undefined ? {} : { WorkingDir: options.workingDir }),
    },
    signal: options.signal,
  });
  return created.Id;
}

function startExec(
  http: DockerHttp,
  id: string,
  tty: boolean,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  return http.hijack({
    method: 'POST',
    path: `/exec/${id}/start`,
    body: { Detach: false, Tty: tty },
    signal,
  });
}

async function execExitCode(http: DockerHttp, id: string, signal: AbortSignal | undefined): Promise<number> {
  // The stream may end a moment before Docker has noted the exit code.
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 500)) {
    const state = await http.json<{ Running: boolean; ExitCode: number | null }>({
      path: `/exec/${id}/json`,
      signal,
    });
    if (!state.Running && state.ExitCode !== null) return state.ExitCode;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

async function collect(stream: Duplex): Promise<{ stdout: string; stderr: string }> {
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let bytes = 0;
  for await (const chunk of demultiplex(stream)) {
    bytes += chunk.bytes.byteLength;
    if (bytes <= outputLimitBytes) output[chunk.stream].push(Buffer.from(chunk.bytes));
  }
  return { stdout: Buffer.concat(output.stdout).toString(), stderr: Buffer.concat(output.stderr).toString() };
}
