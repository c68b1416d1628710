import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, SeawallError } from '../src/errors.ts';
import { requireProgram } from './apt.ts';
import { runCommand, tryCommand } from './command.ts';
import { type Say, timed } from './progress.ts';

const logFile = '/var/log/dockerd.log';
const startTimeoutMs = 60_000;

/** What each program of a killed engine leaves behind; stale as soon as none of that name runs. */
const remains: ReadonlyArray<{ readonly program: string; readonly files: readonly string[] }> = [
  { program: 'dockerd', files: ['/run/docker.pid', '/run/docker.sock'] },
  // The pid files are believed even when the number belongs to another program by now.
  { program: 'containerd', files: ['/run/docker/containerd/containerd.pid', '/run/containerd'] },
  { program: 'containerd-shim', files: ['/run/docker'] },
];

/**
 * Makes sure that a Docker Engine answers on this machine: uses the one that runs, else installs and
 * starts one (root on Debian or Ubuntu), also over what a killed engine left behind.
 */
export async function ensureEngine(say: Say = console.log): Promise<void> {
  if (await isAnswering()) return;
  if (process.getuid?.() !== 0) {
    throw new SeawallError('refused', 'No Docker Engine answers on this machine', {
      hint: 'Start Docker and try again; as root on Debian or Ubuntu the lab starts one itself',
    });
  }
  for (const [program, packages] of [
    ['dockerd', ['docker.io', 'iptables']],
    ['docker', ['docker-cli']],
    ['iptables', ['iptables']],
  ] as const) {
    await requireProgram(program, packages, say);
  }
  await timed(say, 'Started the Docker Engine', startEngine);
}

async function isAnswering(): Promise<boolean> {
  return (await tryCommand('docker', ['version', '--format', '{{.Server.Version}}'])).code === 0;
}

async function startEngine(): Promise<void> {
  // Another command may have started one a moment ago: then there is only waiting left to do.
  if (!(await isRunning('dockerd'))) {
    await clearRemains();
    startDaemon();
  }
  const deadlineMs = performance.now() + startTimeoutMs;
  while (!(await isAnswering())) {
    const isLost = performance.now() > deadlineMs || !(await isRunning('dockerd'));
    if (isLost) throw await engineFailure();
    await delay(200);
  }
}

/** Whether a program of that name (15 letters at most) runs; the dead that nobody buried do not count. */
async function isRunning(program: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    // `1181 (dockerd) Z …`: the name in brackets, then the state.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (stat.includes(` (${program}) `) && !stat.includes(') Z ')) return true;
  }
  return false;
}

async function clearRemains(): Promise<void> {
  for (const { program, files } of remains) {
    if (await isRunning(program)) continue;
    for (const file of files) {
      await unmountBelow(file);
      await rm(file, { recursive: true, force: true });
    }
  }
}

/** Unmounts the namespaces and file systems of dead containers, deepest first. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  const below = mounts.filter(
    (mount) => mount.startsWith(`${folder}/`) || mount.startsWith(`/var${folder}/`),
  );
  for (const mount of below.reverse()) await tryCommand('umount', ['--lazy', mount]);
}

/** Starts the daemon in a session of its own, so that it outlives the command that needed it. */
function startDaemon(): void {
  const log = openSync(logFile, 'a');
  spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] }).unref();
  closeSync(log);
}

async function engineFailure(): Promise<SeawallError> {
  const tail = await runCommand('tail', ['-n', '20', logFile]).catch(describeError);
  return new SeawallError('timeout', 'The Docker Engine did not start', {
    hint: `Read ${logFile}`,
    cause: new Error(tail),
  });
}

if (import.meta.main) {
  await ensureEngine().catch((error: unknown) => {
    console.error(describeError(error));
    process.exitCode = 1;
  });
}
