import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { runCommand } from '../lab/command.ts';
import type { Lab } from '../lab/lab.ts';

/** Milliseconds after which a command on a host is given up. */
const hostCommandMs = 600_000;

/** Runs a constant script on a host over ssh, with `input` on its standard input; gives what it printed. */
export function onHost(lab: Lab, host: string, script: string, input = ''): Promise<string> {
  return runCommand('ssh', ['-F', lab.sshConfig, host, script], { input, timeoutMs: hostCommandMs });
}

/** Copies an image of this machine's engine to a host's, unless it has that very image. */
export async function carryImage(lab: Lab, host: string, image: string): Promise<void> {
  const inspect = ['image', 'inspect', '--format', '{{.Id}}', image];
  const id = await runCommand('docker', inspect);
  const there = await onHost(lab, host, `docker ${inspect.join(' ')} 2>/dev/null || true`);
  if (there === id) return;
  const save = spawn('docker', ['save', image], { stdio: ['ignore', 'pipe', 'inherit'] });
  const load = spawn('ssh', ['-F', lab.sshConfig, host, 'docker load'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = Promise.all([once(save, 'close'), once(load, 'close')]);
  await pipeline(save.stdout, load.stdin);
  for (const [code] of await ended)
    if (code !== 0) throw new Error(`${image} could not be carried to ${host}`);
}

/** What a container has used since its start, and the memory that it holds now without what the kernel may take back at any time. */
export interface Usage {
  readonly cpuNs: number;
  readonly memoryBytes: number;
}

/** Reads the container's control group, of version 1 or 2: the Engine's own statistics have gaps on a busy machine. */
export async function usageOf(lab: Lab, host: string, container: string): Promise<Usage> {
  const [cpuNs = Number.NaN, heldBytes = Number.NaN, cacheBytes = Number.NaN] = (
    await onHost(lab, host, `set -- ${container}\n${usageScript}`)
  )
    .split('\n')
    .map(Number);
  if (!(cpuNs > 0 && heldBytes > 0)) throw new Error(`${host} does not tell what ${container} uses`);
  return { cpuNs, memoryBytes: heldBytes - cacheBytes };
}

const usageScript = `id=$(docker inspect -f '{{.Id}}' "$1")
cd /sys/fs/cgroup
if [ -e cpuacct/docker/$id ]; then
  cat cpuacct/docker/$id/cpuacct.usage memory/docker/$id/memory.usage_in_bytes
  sed -n 's/^total_inactive_file //p' memory/docker/$id/memory.stat
else
  cd docker/$id 2>/dev/null || cd system.slice/docker-$id.scope
  sed -n 's/^usage_usec \\(.*\\)/\\1000/p' cpu.stat
  cat memory.current
  sed -n 's/^inactive_file //p' memory.stat
fi`;
