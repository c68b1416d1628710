import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianMirror } from '../../lab/mirror.ts';

/** A real Consul, for comparisons with the embedded catalog. */
export interface RealConsul {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

const run = promisify(execFile);
/** The last Debian that carries Consul (1.8.7). */
const SUITE = 'bullseye';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'seawall', 'consul-1.8.7');

/**
 * Path of the program. Fetched once, by apt with a state of its own, and only unpacked: nothing is installed.
 * @throws Error that says what to do when it cannot be had.
 */
export async function consulProgram(): Promise<string> {
  const program = join(CACHE, 'usr/bin/consul');
  if (existsSync(program)) return program;
  const scratch = await mkdtemp(join(tmpdir(), 'seawall-consul-fetch-'));
  try {
    await fetchPackage(scratch);
    const [archive] = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt fetched no package');
    await run('dpkg', ['-x', join(scratch, archive), join(scratch, 'unpacked')]);
    await mkdir(join(CACHE, '..'), { recursive: true });
    await rename(join(scratch, 'unpacked'), CACHE).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EXDEV') throw error;
      await run('cp', ['-a', join(scratch, 'unpacked'), CACHE]);
    });
  } catch (cause) {
    throw new Error(
      `The catalog is compared with a real Consul 1.8.7 from Debian ${SUITE}, which could not be fetched. It needs apt, dpkg and a mirror of Debian (SEAWALL_LAB_MIRROR); or put the program at ${program}.`,
      { cause },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return program;
}

async function fetchPackage(scratch: string): Promise<void> {
  await mkdir(join(scratch, 'lists/partial'), { recursive: true });
  await mkdir(join(scratch, 'cache/archives/partial'), { recursive: true });
  await writeFile(
    join(scratch, 'sources.list'),
    `deb [signed-by=${KEYRING}] ${await debianMirror()} ${SUITE} main\n`,
  );
  const settings = [
    `Dir::Etc::SourceList=${join(scratch, 'sources.list')}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${join(scratch, 'lists')}`,
    `Dir::Cache=${join(scratch, 'cache')}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  await run('apt-get', [...settings, 'update'], { timeout: 180_000 });
  await run('apt-get', [...settings, 'download', 'consul'], { cwd: scratch, timeout: 180_000 });
}

/** Starts a single server on loopback, with its state in a scratch directory. Resolves when it has a leader. */
export async function startConsul(node: string): Promise<RealConsul> {
  const program = await consulProgram();
  const dir = await mkdtemp(join(tmpdir(), 'seawall-consul-'));
  const [port = 0, lan, wan, server] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const ports = [
    '-http-port',
    port,
    '-dns-port',
    -1,
    '-grpc-port',
    -1,
    '-serf-lan-port',
    lan,
    '-serf-wan-port',
    wan,
    '-server-port',
    server,
  ];
  const child = spawn(
    program,
    [
      'agent',
      '-server',
      '-bootstrap-expect=1',
      '-data-dir',
      dir,
      '-bind=127.0.0.1',
      '-client=127.0.0.1',
      '-node',
      node,
      '-log-level=err',
      ...ports.map(String),
    ],
    { stdio: 'ignore' },
  );
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await hasLeader(port, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
}

async function hasLeader(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`consul ended with ${child.exitCode}`);
    const nodes = await fetch(`http://127.0.0.1:${port}/v1/health/state/any`).then(
      (response) => (response.ok ? response.text() : ''),
      () => '',
    );
    if (nodes.includes('serfHealth')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('consul has no leader after 60 s');
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
