import { tryCommand } from '../../../lab/command.ts';
import type { Lab } from '../../../lab/lab.ts';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Milliseconds after which a command on a host is given up. */
const commandTimeoutMs = 300_000;

/** Runs a command line on a host over ssh. */
export function onHost(lab: Lab, host: string, line: string, input?: string): Promise<Finished> {
  const options = input === undefined ? {} : { input };
  return tryCommand('ssh', ['-F', lab.sshConfig, host, line], { ...options, timeoutMs: commandTimeoutMs });
}

/** The same; throws unless it ends well. */
export async function mustOnHost(lab: Lab, host: string, line: string, input?: string): Promise<string> {
  const { code, stdout, stderr } = await onHost(lab, host, line, input);
  if (code !== 0) throw new Error(`${host}: ${line}\nended with ${code}\n${stdout}${stderr}`);
  return stdout;
}

/**
 * Has a host and what runs on it ask this DNS: the machine by its own file, containers by the Engine's settings, which
 * outlive a power cut (a host's boot writes a resolver into its file that refuses).
 */
export async function useResolver(lab: Lab, host: string, address: string): Promise<void> {
  const wanted = JSON.stringify({ dns: [address] });
  await mustOnHost(lab, host, `echo nameserver ${address} > /etc/resolv.conf`);
  const found = await onHost(lab, host, 'cat /etc/docker/daemon.json');
  if (found.stdout.trim() === wanted) return;
  await mustOnHost(lab, host, 'mkdir -p /etc/docker && cat > /etc/docker/daemon.json', wanted);
  await mustOnHost(lab, host, 'service docker restart');
}
