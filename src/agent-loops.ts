import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from './errors.ts';

export interface Loops {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** A line per message: time, level, text. Lines without a level of their own are `info`. */
export function logLine(line: string): void {
  const levelled = /^(error|warn|info|debug) /.test(line) ? line : `info ${line}`;
  process.stdout.write(`${new Date().toISOString()} ${levelled.replaceAll(/\s*\n\s*/g, ' | ')}\n`);
}

/**
 * Runs a loop for ever: one that breaks is started again, later each time up to 30 seconds, and never takes the
 * others down.
 */
export async function superviseLoop(
  name: string,
  run: () => Promise<void>,
  { signal, log }: Loops,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const startedAt = performance.now();
    try {
      await run();
      if (signal.aborted) return;
      log(`error ${name}: ended by itself; it is started again`);
    } catch (error) {
      if (signal.aborted) return;
      log(`error ${name}: ${describeError(error)}; it is started again`);
    }
    failures = performance.now() - startedAt > 60_000 ? 1 : failures + 1;
    const waitMs = Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}
