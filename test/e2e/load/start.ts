import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { LoadReport } from './report.ts';

export interface StartLoadOptions {
  /** Such as `http://10.99.0.11`, or with `https:`. */
  readonly url: string;
  /** With `https:`: file of the CAs to trust, PEM. */
  readonly trust?: string;
  /** Addresses of further edges. */
  readonly also?: readonly string[];
  readonly hostHeader?: string;
  /** Name that the app must call itself. */
  readonly service?: string;
  /** Default 120. */
  readonly rate?: number;
  /** The load ends by itself after this long, whoever forgets it; default 900. */
  readonly seconds?: number;
  /** Versions that may answer; any when absent. */
  readonly versions?: readonly string[];
  readonly apiVersions?: readonly string[];
  /** Such as `get=60,idle=5,post=20,slow=3,api=20`, with `h2` for a part over HTTP/2 (with `https:`). */
  readonly mix?: string;
}

export interface RunningLoad {
  /** The figures so far. */
  report(): Promise<LoadReport>;
  /** The figures, when the load has ended by itself or was stopped. */
  readonly ended: Promise<LoadReport>;
  /** Ends the load and waits for the answers under way. */
  stop(): Promise<LoadReport>;
}

/** Starts the load client as a process of its own, so that a busy test cannot slow it. It ends with its parent. */
export function startLoad(options: StartLoadOptions): RunningLoad {
  const { url, hostHeader, rate = 120, seconds = 900, versions = [], apiVersions = [], mix } = options;
  const argv = [
    '--url',
    url,
    '--rate',
    `${rate}`,
    '--seconds',
    `${seconds}`,
    '--versions',
    versions.join(','),
  ];
  argv.push('--api-versions', apiVersions.join(','));
  if (hostHeader !== undefined) argv.push('--host-header', hostHeader);
  if (options.trust !== undefined) argv.push('--trust', options.trust);
  if (options.also !== undefined) argv.push('--also', options.also.join(','));
  if (options.service !== undefined) argv.push('--service', options.service);
  if (mix !== undefined) argv.push('--mix', mix);
  const child = fork(new URL('main.ts', import.meta.url), argv, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let last: LoadReport | undefined;
  child.on('message', (message) => {
    last = message as LoadReport;
  });
  const exited = once(child, 'exit');
  const ended = exited.then(() => figures());
  // Told to whoever asks; a test that never does must not end by it.
  ended.catch(() => undefined);
  const figures = (): LoadReport => {
    if (last === undefined) throw new Error('the load client ended without figures');
    return last;
  };
  return {
    ended,
    report: async () => {
      if (!child.connected) return figures();
      child.send('report');
      await Promise.race([once(child, 'message'), exited]);
      return figures();
    },
    stop: async () => {
      if (child.connected) child.send('stop');
      return ended;
    },
  };
}
