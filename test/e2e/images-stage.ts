/** What the tests of images share: the heavy app on lab hosts, deployed by the command line as users do. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../lab/command.ts';
import type { Lab } from '../../lab/lab.ts';
import type { RolloutResult } from '../../src/rollout/index.ts';
import { root } from './lab-links.ts';

export interface HeavyProject {
  readonly folder: string;
  readonly lab: Lab;
}

/** A copy of the heavy app in the lab's own folder, on the named hosts. */
export function heavyProject(lab: Lab, hosts: readonly string[], bigBytes: number): HeavyProject {
  const folder = join(lab.stateDir, 'heavy');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'test/e2e/apps/heavy'), folder, { recursive: true });
  const project = { folder, lab };
  nameHosts(project, hosts);
  writeNoise(project, 'big.bin', bigBytes);
  writeNoise(project, 'small.bin', 1e6);
  return project;
}

export function nameHosts({ folder, lab }: HeavyProject, names: readonly string[]): void {
  const hosts = Object.fromEntries(
    lab.hosts
      .filter(({ name }) => names.includes(name))
      .map(({ name, address }) => [
        name,
        { ssh: name, address, roles: name === 'host1' ? ['edge', 'app'] : ['app'] },
      ]),
  );
  const settings = { ssh_config: lab.sshConfig, hosts, agent: { build_network: 'host' } };
  writeFileSync(join(folder, 'lab.yml'), `${JSON.stringify(settings)}\n`);
}

/** Bytes that do not compress. */
export function writeNoise({ folder }: HeavyProject, file: string, bytes: number): void {
  writeFileSync(join(folder, file), randomBytes(bytes));
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `bin/seawall` as a process of its own. */
export function startSeawall(
  { folder }: HeavyProject,
  args: readonly string[],
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const files = ['--file', join(folder, 'seawall.yml'), '--file', join(folder, 'lab.yml')];
  const child = spawn(join(root, 'bin/seawall'), [...files, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** A command that succeeds, and its result with what moved. */
export async function change(project: HeavyProject, args: readonly string[]): Promise<RolloutResult> {
  const { code, stdout, stderr } = await startSeawall(project, ['--json', '--yes', ...args]).ended;
  assert.equal(code, 0, `seawall ${args.join(' ')}\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as RolloutResult;
}

export function transferOf({ transfer }: RolloutResult): NonNullable<RolloutResult['transfer']> {
  assert.ok(transfer);
  return transfer;
}

/** Runs a constant script on a host. */
export async function onHost(lab: Lab, host: string, script: string): Promise<string> {
  return (await runCommand('ssh', ['-F', lab.sshConfig, host, script])).trim();
}

/** What the tests built on this machine. */
export async function removeBuiltImages(): Promise<void> {
  const images = await runCommand('docker', ['images', '--quiet', 'seawall/heavy-worker']);
  const ids = [...new Set(images.split('\n').filter((id) => id !== ''))];
  if (ids.length > 0) await runCommand('docker', ['rmi', '--force', ...ids]);
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
