/** What the core tests share: one lab of three hosts, the shop on it, and Seawall as a user runs it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bringUpLab } from '../../../lab/boot.ts';
import { findHost } from '../../../lab/hosts.ts';
import type { Lab, LabHost } from '../../../lab/lab.ts';
import { labName, labsFolder } from '../../lab-name.ts';
import type { LoadReport } from '../load/report.ts';
import { type StartLoadOptions, startLoad } from '../load/start.ts';

export { until } from '../../until.ts';

const root = resolve(import.meta.dirname, '../../..');
/** Tests that break hosts for good set another name before they import this. */
const stage = process.env.SEAWALL_STAGE ?? 'core';
const stateDir = join(labsFolder, stage);

/** host1 is the edge, host2 (Engine 20.10) and host3 run the replicas, `foreign` is somebody on the same network. */
export const lab: Lab = await bringUpLab({
  name: labName(stage),
  hosts: 3,
  foreign: true,
  stateDir,
  say: () => undefined,
});
export const edge: LabHost = findHost(lab, 'host1');
const DOMAIN = 'shop.example';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProjectFolder {
  readonly folder: string;
  readonly files: readonly string[];
}

/** A copy of an app of test/e2e/apps with the lab's hosts written beside it. */
export function projectFolder(app: string, name = app): ProjectFolder {
  const folder = join(stateDir, 'projects', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'test/e2e/apps', app), folder, { recursive: true });
  const hosts = Object.fromEntries(
    lab.hosts
      .filter((host) => host.role === 'host')
      .map((host) => [
        host.name,
        { ssh: host.name, address: host.address, roles: host.name === 'host1' ? ['edge'] : ['app'] },
      ]),
  );
  const settings = { ssh_config: lab.sshConfig, hosts, agent: { build_network: 'host' } };
  writeFileSync(join(folder, 'lab.yml'), `${JSON.stringify(settings, undefined, 2)}\n`);
  return { folder, files: [join(folder, 'seawall.yml'), join(folder, 'lab.yml')] };
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Sends SIGINT once what it printed matches. */
  readonly interruptAt?: RegExp;
}

/** Runs `bin/seawall` as a process of its own, as a user does. */
export function seawall(
  project: ProjectFolder,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const files = project.files.flatMap((file) => ['--file', file]);
  // In front: what stands behind a service name belongs to the program that runs there.
  const child = spawn(join(root, 'bin/seawall'), [...files, ...args], {
    cwd: project.folder,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let isInterrupted = false;
  const watch = (): void => {
    if (isInterrupted || !options.interruptAt?.test(stdout + stderr)) return;
    isInterrupted = true;
    child.kill('SIGINT');
  };
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
    watch();
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    watch();
  });
  child.stdin.end(options.input ?? '');
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
  });
}

/** The same, and the test fails with its output unless it ends with `code`. */
export async function expectCode(
  code: number,
  project: ProjectFolder,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const finished = await seawall(project, args, options);
  assert.equal(finished.code, code, `seawall ${args.join(' ')}\n${finished.stdout}\n${finished.stderr}`);
  return finished;
}

/** Deploys the shop; VERSION and what is to go wrong come by `env`. */
export const deployShop = (
  project: ProjectFolder,
  env: Readonly<Record<string, string>>,
): Promise<Finished> => expectCode(0, project, ['deploy', '--yes'], { env });

/** Does `work` under 120 requests a second, and gives what the client saw; the load ends whatever happens. */
export async function underLoad(
  options: Partial<StartLoadOptions>,
  work: () => Promise<void>,
): Promise<LoadReport> {
  const running = startLoad({ url: `http://${edge.address}`, hostHeader: DOMAIN, rate: 120, ...options });
  try {
    await work();
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running.stop();
}

/** Runs a command on a host over ssh. */
export function onHost(host: string, argv: readonly string[]): Promise<Finished> {
  const child = spawn('ssh', ['-F', lab.sshConfig, host, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
  });
}

/** One request to an edge, the first unless another address is given; its status and body. */
export async function ask(
  path = '/',
  host = DOMAIN,
  address = edge.address,
): Promise<{ status: number; body: string }> {
  const { request } = await import('node:http');
  return new Promise((done, fail) => {
    const call = request(
      { host: address, path, headers: { host }, agent: false, timeout: 5000 },
      (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () => done({ status: response.statusCode ?? 0, body }));
        response.on('error', fail);
      },
    );
    call.on('timeout', () => call.destroy(new Error('no answer within 5 s')));
    call.on('error', fail);
    call.end();
  });
}

/** Versions that answer in a number of requests. */
export async function versionsServed(requests = 20): Promise<string[]> {
  const versions = new Set<string>();
  for (let count = 0; count < requests; count++) {
    const { status, body } = await ask();
    versions.add(
      status === 200 ? String((JSON.parse(body) as { version: string }).version) : `status ${status}`,
    );
  }
  return [...versions].sort();
}
