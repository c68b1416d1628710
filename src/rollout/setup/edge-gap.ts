import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { OWN } from '../../cluster.ts';
import { SeawallError } from '../../errors.ts';
import type { Docker } from '../../hosts/index.ts';

/**
 * Asks a port of its host again and again, in the agent, which sees the host's network: says `up`, and once it was away and is
 * back `gap` with the milliseconds from the last connection before to the first one after. `away`: nothing answers to begin with.
 */
const PROGRAM = `
const net = require('node:net');
const port = Number(process.argv[1]);
const say = (text) => process.stdout.write(text + '\\n');
let last, isDown = false;
setTimeout(() => process.exit(1), 120_000);
const ask = () => {
  const socket = net.connect(port, '127.0.0.1');
  const done = (isUp) => {
    socket.destroy();
    const now = performance.now();
    if (isUp && isDown) { say('gap ' + Math.round(now - last)); process.exit(0); }
    if (isUp && last === undefined) say('up');
    if (!isUp && last === undefined) { say('away'); process.exit(0); }
    if (isUp) last = now; else isDown = true;
    setTimeout(ask, 5);
  };
  socket.once('connect', () => done(true));
  socket.once('error', () => done(false));
};
ask();
`;

/** How long the probe may take to start, and an edge to listen again after it was replaced. */
const START_TIMEOUT_MS = 10_000;
const BACK_TIMEOUT_MS = 60_000;

/**
 * Does work that replaces what listens on a port, and measures for how long nothing did.
 * @returns what the work gave; `gapMs` is absent when nothing listened before, or it never was away.
 */
export async function measureGap<T>(
  docker: Pick<Docker, 'execInteractive'>,
  port: number,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly value: T; readonly gapMs?: number }> {
  const probe = await docker.execInteractive(OWN.agent, ['node', '-e', PROGRAM, `${port}`], {
    tty: true,
    signal,
  });
  const lines = createInterface({ input: probe.stream });
  // What the connection to Docker loses costs the measure only.
  probe.stream.on('error', () => {});
  try {
    const isUp = (await nextLine(lines, START_TIMEOUT_MS, signal)) === 'up';
    const back = isUp ? nextLine(lines, BACK_TIMEOUT_MS, signal) : Promise.resolve(undefined);
    back.catch(() => undefined);
    const value = await work();
    const gap = /^gap (\d+)$/.exec((await back) ?? '')?.[1];
    return gap === undefined ? { value } : { value, gapMs: Number(gap) };
  } finally {
    lines.close();
    probe.stream.destroy();
  }
}

/** The next line; undefined when there is none in time. */
async function nextLine(
  lines: ReturnType<typeof createInterface>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const end = new AbortController();
  const ended = AbortSignal.any([signal, end.signal]);
  try {
    const [line] = (await Promise.race([
      once(lines, 'line', { signal: ended }),
      sleep(timeoutMs, [undefined], { signal: ended }),
    ])) as [string | undefined];
    return line?.trim();
  } catch (error) {
    if (signal.aborted) throw new SeawallError('interrupted', 'interrupted', { cause: error });
    return undefined;
  } finally {
    end.abort();
  }
}
