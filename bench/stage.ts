import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bringUpLab } from '../lab/boot.ts';
import { runCommand } from '../lab/command.ts';
import { findHost, takeDownLab } from '../lab/hosts.ts';
import type { Lab } from '../lab/lab.ts';
import { sha256 } from '../src/hash.ts';

const root = resolve(import.meta.dirname, '..');
const stateDir = join(root, '.lab/bench');

export interface StageOptions {
  /** Host → roles. */
  readonly roles: Readonly<Record<string, readonly ('edge' | 'app')[]>>;
  readonly say: (line: string) => void;
}

/** A lab with Seawall as a user runs it. */
export interface Stage {
  readonly lab: Lab;
  readonly address: (host: string) => string;
  /** A copy of an app of `bench/apps` with the lab's hosts written beside it. */
  readonly project: (app: string) => Project;
  readonly end: () => Promise<void>;
}

export interface Project {
  readonly folder: string;
  /** Runs `bin/seawall` with the project's files; gives its standard output, throws with all of it when it fails. */
  readonly seawall: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<string>;
}

/** Brings the lab of the benches up, one for each checkout. */
export async function bringUpStage({ roles, say }: StageOptions): Promise<Stage> {
  await runCommand(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root });
  const name = `bench-${sha256(root).slice(0, 6)}`;
  const lab = await bringUpLab({ name, hosts: Object.keys(roles).length, stateDir, say });
  return {
    lab,
    address: (host) => findHost(lab, host).address,
    project: (app) => projectOf(lab, app, roles),
    end: () => takeDownLab(lab),
  };
}

function projectOf(lab: Lab, app: string, roles: StageOptions['roles']): Project {
  const folder = join(stateDir, 'projects', app);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(import.meta.dirname, 'apps', app), folder, { recursive: true });
  const hosts = Object.fromEntries(
    Object.entries(roles).map(([host, list]) => [
      host,
      { ssh: host, address: findHost(lab, host).address, roles: list },
    ]),
  );
  const settings = { ssh_config: lab.sshConfig, hosts, agent: { build_network: 'host' } };
  writeFileSync(join(folder, 'lab.yml'), `${JSON.stringify(settings, undefined, 2)}\n`);
  return { folder, seawall: (args, env) => runSeawall(folder, args, env) };
}

function runSeawall(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const files = ['--file', join(folder, 'seawall.yml'), '--file', join(folder, 'lab.yml')];
  const child = spawn(join(root, 'bin/seawall'), [...files, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let all = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (all += chunk));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => {
      if (code === 0) done(output);
      else fail(new Error(`seawall ${args.join(' ')} ended with ${code}\n${all}`));
    });
  });
}
