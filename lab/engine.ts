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

/** Programs that hold the state under `/run/docker`; while one lives, nothing of it is stale. */
const engineProcesses = ['dockerd', 'containerd', 'containerd-shim', 'containerd-shim-runc-v2'];
const staleFiles = ['/run/docker.pid', '/run/docker.sock', '/run/docker/containerd', '/run/containerd'];

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
  if (!(await isRunning(['dockerd']))) {
    if (!(await isRunning(engineProcesses))) await clearStaleState();
    startDaemon();
  }
  const deadlineMs = performance.now() + startTimeoutMs;
  while (!(await isAnswering())) {
    if (performance.now() > deadlineMs) throw await engineFailure();
    await delay(200);
  }
}

async function isRunning(programs: readonly string[]): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    // The kernel keeps the first 15 characters of a name.
    if (programs.some((program) => program.slice(0, 15) === name.trim())) return true;
  }
  return false;
}

/** Removes what the processes of a killed engine left: pid files, sockets, and mounts of namespaces. */
async function clearStaleState(): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  const stale = mounts.filter((mount) => /^(\/var)?\/run\/(docker|containerd)\//.test(mount));
  for (const mount of stale.reverse()) await tryCommand('umount', ['--lazy', mount]);
  for (const file of staleFiles) await rm(file, { recursive: true, force: true });
}

/** Starts the daemon in a session of its own, so that it outlives the command that needed it. */
function startDaemon(): void {
  const log = openSync(logFile, 'a');
  spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] }).unref();
  closeSync(log);
}

async function engineFailure(): Promise<SeawallError> {
  const tail = await runCommand('tail', ['-n', '20', logFile]).catch(describeError);
  return new SeawallError('timeout', `The Docker Engine did not answer within ${startTimeoutMs / 1000} s`, {
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
