import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { runCommand } from '../../lab/command.ts';
import { onHost } from '../command.ts';
import type { Stage } from '../stage.ts';
import { toolsImage } from '../tools.ts';

const container = 'seawall-bench-registry';
const port = 5555;
const tunnelMs = 60_000;
/** Without the password that Debian's settings ask for. */
const settings = JSON.stringify({
  version: '0.1',
  storage: { filesystem: { rootdirectory: '/tmp/registry' } },
  http: { addr: `127.0.0.1:${port}` },
});
const serve = `printf %s "$1" >/tmp/registry.json && exec docker-registry serve /tmp/registry.json`;

/**
 * A registry on this machine, which the hosts reach as `localhost:5555` through ssh, so that no engine needs other settings.
 * @returns what ends it.
 */
export async function startRegistry({ lab }: Stage, hosts: readonly string[]): Promise<() => Promise<void>> {
  await runCommand('docker', ['rm', '--force', container]);
  const run = ['run', '-d', '--rm', '--name', container, '--network', 'host', toolsImage];
  await runCommand('docker', [...run, 'sh', '-c', serve, 'sh', settings]);
  const tunnels = hosts.map((host): ChildProcess => {
    const forward = `127.0.0.1:${port}:127.0.0.1:${port}`;
    const options = ['-N', '-o', 'ControlPath=none', '-o', 'ExitOnForwardFailure=yes', '-R', forward];
    return spawn('ssh', ['-F', lab.sshConfig, ...options, host], { stdio: 'ignore' });
  });
  const wait = `timeout ${tunnelMs / 1000} sh -c 'until curl -fs http://127.0.0.1:${port}/v2/ >/dev/null; do sleep 0.2; done'`;
  const end = async (): Promise<void> => {
    for (const tunnel of tunnels) {
      tunnel.kill();
      if (tunnel.exitCode === null && tunnel.signalCode === null) await once(tunnel, 'close');
    }
    await runCommand('docker', ['rm', '--force', container]);
  };
  try {
    await Promise.all(hosts.map((host) => onHost(lab, host, wait)));
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}
