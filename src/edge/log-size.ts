import { rename, stat } from 'node:fs/promises';
import { describeError } from '../errors.ts';
import { pause } from './pause.ts';

export interface LogSizeOptions {
  readonly logPath: string;
  /** Has nginx open its logs anew. */
  readonly reopen: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly limitBytes?: number;
}

const limitBytes = 64 * 1024 * 1024;
const everyMs = 10_000;

/** Renames the access log to `PATH.1` (one is kept) when it grew beyond the limit. @returns true when it did. */
export async function rotateLog(options: Omit<LogSizeOptions, 'signal' | 'log'>): Promise<boolean> {
  const { size } = await stat(options.logPath).catch(() => ({ size: 0 }));
  if (size <= (options.limitBytes ?? limitBytes)) return false;
  await rename(options.logPath, `${options.logPath}.1`);
  await options.reopen();
  return true;
}

/** Keeps the access log bounded until the signal. Never rejects. */
export async function watchLogSize(options: LogSizeOptions): Promise<void> {
  const { signal, log } = options;
  while (!signal.aborted) {
    try {
      await rotateLog(options);
    } catch (error) {
      if (!signal.aborted) log(`edge: the access log is not rotated: ${describeError(error)}`);
    }
    await pause(everyMs, signal);
  }
}
