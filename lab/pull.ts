import { spawn } from 'node:child_process';
import { tryCommand } from './command.ts';

/** How long a registry may take to say its first word. Docker's own limit is minutes behind a silent firewall. */
const firstWordTimeoutMs = 8_000;

/** Pulls a small image to learn whether a registry answers; a machine without one says no within seconds. */
export function canPull(image: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('docker', ['pull', image], { stdio: ['ignore', 'pipe', 'ignore'] });
    const patience = setTimeout(() => child.kill('SIGKILL'), firstWordTimeoutMs);
    child.stdout.on('data', () => clearTimeout(patience));
    child.on('error', () => resolve(false));
    child.on('close', (code) => {
      clearTimeout(patience);
      resolve(code === 0);
    });
  });
}

/** Pulls the image; false when the registry does not have it for this machine. */
export async function pullImage(image: string): Promise<boolean> {
  return (await tryCommand('docker', ['pull', '--quiet', image])).code === 0;
}
