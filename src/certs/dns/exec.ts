import { spawn } from 'node:child_process';
import type { DnsHook } from '../../catalog/tls-record.ts';
import { SeawallError } from '../../errors.ts';
import type { Call } from '../ports.ts';
import type { DnsProvider } from './provider.ts';

type ExecHook = Extract<DnsHook, { readonly kind: 'exec' }>;

const TIMEOUT_MS = 120_000;
/** Of the script's output, the end; for the error. */
const OUTPUT_BYTES = 2048;

/**
 * Runs a script by `sh` as `script present|cleanup FQDN VALUE`. Its text comes on standard input, so that nothing in it shows
 * in the list of processes. Of the environment it gets a path and what the hook names.
 */
export function execProvider(hook: ExecHook, timeoutMs = TIMEOUT_MS): DnsProvider {
  return {
    present: (fqdn, value, call) => runScript(hook, ['present', fqdn, value], { timeoutMs, ...call }),
    cleanup: (fqdn, value, call) => runScript(hook, ['cleanup', fqdn, value], { timeoutMs, ...call }),
  };
}

async function runScript(
  { script, env }: ExecHook,
  args: readonly [action: string, fqdn: string, value: string],
  { timeoutMs, signal }: Call & { readonly timeoutMs: number },
): Promise<void> {
  signal?.throwIfAborted();
  const [action, fqdn] = args;
  const child = spawn('sh', ['-s', ...args], {
    env: { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', ...env },
    cwd: '/tmp',
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: what the script started ends with it.
    detached: true,
  });
  let output = '';
  const hear = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_BYTES);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  // A script that ends early does not read the rest of itself.
  child.stdin.on('error', () => undefined);
  child.stdin.end(script);
  const limit = AbortSignal.timeout(timeoutMs);
  const ends = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  const kill = () => endGroup(child.pid);
  ends.addEventListener('abort', kill, { once: true });
  const code = await new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (exit, unixSignal) => resolve(exit ?? unixSignal ?? 'no exit code'));
  });
  ends.removeEventListener('abort', kill);
  if (code === 0) return;
  signal?.throwIfAborted();
  const how = limit.aborted ? `did not end within ${timeoutMs / 1000} s` : `ended with ${code}`;
  throw new SeawallError('refused', `the DNS script ${how}: ${redacted(output, env).trim() || 'no output'}`, {
    where: `${action} ${fqdn}`,
    hint: `Try it where it runs: docker exec -it seawall-server sh. There is node, no curl.`,
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** The output without the values of the hook's environment, which may be secrets. */
function redacted(output: string, env: ExecHook['env']): string {
  const values = Object.values(env).filter((value) => value.length >= 4);
  return values
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, value) => text.replaceAll(value, '•••'), output);
}
