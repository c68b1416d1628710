import { runCommand } from '../lab/command.ts';
import { toolsImage } from './tools.ts';

export interface WrkOptions {
  readonly url: string;
  readonly hostHeader: string;
  /** What the host in `url` means; absent: the url has an address. With `https:` it is the name that is asked for (SNI). */
  readonly address?: string;
  /** Whether each connection is for one request. */
  readonly isClosing?: boolean;
  /** Keep-alive connections. */
  readonly clients: number;
  readonly seconds: number;
}

/** What one run of wrk saw. */
export interface WrkReport {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Connections that broke, timeouts and answers other than 2xx and 3xx. */
  readonly failed: number;
}

/** Loads an address for some seconds from this machine. */
export async function runWrk(options: WrkOptions): Promise<WrkReport> {
  const { url, hostHeader, clients, seconds, address, isClosing = false } = options;
  const known = address === undefined ? [] : ['--add-host', `${new URL(url).hostname}:${address}`];
  const run = ['run', '--rm', '--network', 'host', ...known, '--ulimit', 'nofile=4096', toolsImage];
  const headers = ['-H', `Host: ${hostHeader}`, ...(isClosing ? ['-H', 'Connection: close'] : [])];
  const load = ['-t2', `-c${clients}`, `-d${seconds}s`, '--latency', ...headers, url];
  return parseWrk(await runCommand('docker', [...run, 'wrk', ...load], { timeoutMs: (seconds + 60) * 1000 }));
}

/** Reads what wrk 4 prints with `--latency`. */
export function parseWrk(text: string): WrkReport {
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? Number.NaN);
  const requestsPerSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isNaN(requests)) throw new Error(`wrk said something else:\n${text}`);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const others = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? '0';
  const failed = [...(socketErrors?.slice(1) ?? []), others].reduce((sum, count) => sum + Number(count), 0);
  return { requests, requestsPerSecond, p50Ms: latency(text, 50), p99Ms: latency(text, 99), failed };
}

const msPerUnit: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function latency(text: string, percent: number): number {
  const found = new RegExp(`^\\s*${percent}%\\s+([\\d.]+)(us|ms|s|m)$`, 'm').exec(text);
  return Number(found?.[1] ?? Number.NaN) * (msPerUnit[found?.[2] ?? ''] ?? Number.NaN);
}
