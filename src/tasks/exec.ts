import { isInteractive, joinStreams, type LocalStreams, terminalSize } from './attach.ts';
import type { RunningReplica } from './replicas.ts';

export interface ExecSettings {
  readonly user?: string;
  /** `NAME=value` */
  readonly env?: readonly string[];
  readonly workingDir?: string;
  /** No terminal for the program, even when the user has one. */
  readonly noTty?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Runs a program in a running replica, joined to the user's terminal or pipes. When the connection is cut the program
 * goes on: Docker knows no way to end it. @returns the program's exit code.
 */
export async function execInReplica(
  { link, id }: Pick<RunningReplica, 'link' | 'id'>,
  argv: readonly string[],
  local: LocalStreams,
  { noTty = false, signal, ...settings }: ExecSettings,
): Promise<number> {
  const tty = !noTty && isInteractive(local);
  const term = process.env.TERM;
  const env = [...(tty && term ? [`TERM=${term}`] : []), ...(settings.env ?? [])];
  const size = terminalSize(local);
  const program = await link.docker.execInteractive(id, argv, { ...settings, env, tty, size, signal });
  await joinStreams(local, { stream: program.stream, tty, resize: (to) => program.resize(to) }, signal);
  signal.throwIfAborted();
  return program.exitCode();
}
