/**
 * `npm run demo`: the example application on this machine's own Docker. `-- --hosts 3`: on three hosts of a lab, of which
 * the first is the edge. `-- --down`: removes what an earlier demo made.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bringUpLab } from '../lab/boot.ts';
import { tryCommand } from '../lab/command.ts';
import { ensureEngine } from '../lab/engine.ts';
import { takeDownLab } from '../lab/hosts.ts';
import { ensureImages } from '../lab/images.ts';
import { canPull } from '../lab/pull.ts';
import { describeError, SeawallError } from '../src/errors.ts';
import { nextSteps, type OverrideInput, overrideSettings } from './demo-text.ts';

const root = resolve(import.meta.dirname, '..');
const state = join(root, '.demo');
const labState = join(state, 'lab');
const example = join(root, 'examples/polls');
/** What the example's own files run. */
const IMAGES = ['nginx:1.30', 'node:24-slim', 'python:3.13-slim', 'postgres:17', 'redis:8'];

/** Runs a program of the repository; ends the demo with its exit code when it fails. */
async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: 'inherit', cwd: root });
  const code = await new Promise<number>((done, fail) => {
    child.on('error', fail);
    child.on('close', (exit) => done(exit ?? 1));
  });
  if (code !== 0) process.exit(code);
}

const seawall = (files: readonly string[], ...args: string[]): Promise<void> =>
  run(join(root, 'bin/seawall'), [...args, ...files.flatMap((file) => ['--file', file])]);

/** A port of the edge that an earlier demo left on this machine: it is no stranger. */
async function portOfEdge(isTls: boolean): Promise<number | undefined> {
  const config = '/var/lib/seawall/edge/current/nginx.conf';
  const { stdout } = await tryCommand('docker', ['exec', 'seawall-edge', 'cat', config]);
  const listens = [...stdout.matchAll(/listen 0\.0\.0\.0:(\d+)([^;]*);/g)];
  const port = listens.find(([, , words = '']) => words.includes(' ssl') === isTls)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The first one that this machine has free. */
async function freePort(candidates: readonly number[]): Promise<number> {
  for (const port of candidates) {
    const server = createServer();
    const isFree = await new Promise<boolean>((done) => {
      // Without the right to take a low port it may be free all the same: the edge is started by Docker.
      server.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'EACCES'));
      server.listen(port, () => server.close(() => done(true)));
    });
    if (isFree) return port;
  }
  throw new SeawallError('refused', `Ports ${candidates.join(', ')} are all taken on this machine`, {
    hint: 'Free one of them, or run the demo on hosts of a lab: npm run demo -- --hosts 3',
  });
}

const fileOf = (hosts: number): string => join(state, hosts > 1 ? 'lab.yml' : 'one-host.yml');

/** The example's own file and, where this machine needs one, the file to lay over it. Relative to the checkout. */
const filesOf = (hosts: number): string[] =>
  [join(example, 'seawall.yml'), ...(existsSync(fileOf(hosts)) ? [fileOf(hosts)] : [])].map((file) =>
    relative(root, file),
  );

/** JSON is YAML: the file can be read and edited as one. */
function writeOverride(hosts: number, input: Omit<OverrideInput, 'example' | 'state'>): void {
  const settings = overrideSettings({ example, state, ...input });
  rmSync(fileOf(hosts), { force: true });
  if (Object.keys(settings).length === 0) return;
  writeFileSync(fileOf(hosts), `${JSON.stringify(settings, undefined, 2)}\n`);
}

/** Where nothing can be pulled, builds reach the package registries over the machine's own network only. */
async function buildSettings(): Promise<Pick<OverrideInput, 'composeOverride' | 'buildNetwork'>> {
  if (await canPull('nginx:1.30')) return {};
  return {
    composeOverride: join(root, 'lab/overrides/compose.build-host-network.yaml'),
    buildNetwork: 'host',
  };
}

async function upOnThisMachine(): Promise<string> {
  await ensureImages({ images: IMAGES });
  const httpPort = (await portOfEdge(false)) ?? (await freePort([80, 8080, 8081, 8082, 8083]));
  const httpsPort = (await portOfEdge(true)) ?? (await freePort([443, 8443, 8444, 8445]));
  writeOverride(1, { ...(await buildSettings()), httpPort, httpsPort });
  return `http://polls.localhost${httpPort === 80 ? '' : `:${httpPort}`}`;
}

async function upOnLab(count: number): Promise<string> {
  await ensureImages();
  const lab = await bringUpLab({ name: 'demo', hosts: count, stateDir: labState });
  const hosts = lab.hosts.filter((host) => host.role === 'host');
  const variables = join(state, 'lab.env');
  writeFileSync(variables, `WEB_REPLICAS=${2 * (hosts.length - 1)}\n`);
  writeOverride(count, { ...(await buildSettings()), variables, lab: { sshConfig: lab.sshConfig, hosts } });
  return `http://${hosts[0]?.address}`;
}

/** Not `machine rm --images`: this machine may build for other projects too. */
async function removeImages(): Promise<void> {
  const names = ['seawall/polls-web', 'seawall/polls-migrate', 'seawall/kept:polls.*', 'seawall-agent'];
  const filters = names.flatMap((name) => ['--filter', `reference=${name}`]);
  const format = '{{.Repository}}:{{.Tag}}';
  const { stdout } = await tryCommand('docker', ['image', 'ls', ...filters, '--format', format]);
  const images = stdout.split('\n').filter((line) => line !== '');
  if (images.length > 0) await tryCommand('docker', ['image', 'rm', ...images]);
}

async function down(hosts: number): Promise<void> {
  if (hosts > 1) await takeDownLab({ name: 'demo', stateDir: labState });
  else {
    await seawall(filesOf(1), 'down', '--volumes', '--yes');
    await seawall(filesOf(1), 'machine', 'rm', 'local', '--yes');
  }
  await removeImages();
  rmSync(fileOf(hosts), { force: true });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { hosts: { type: 'string', default: '1' }, down: { type: 'boolean', default: false } },
  });
  const hosts = Number(values.hosts);
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > 9) {
    throw new SeawallError('input', `--hosts takes a number from 1 to 9, not ${values.hosts}`);
  }
  await run(process.execPath, ['scripts/build.ts']);
  await ensureEngine();
  mkdirSync(state, { recursive: true });
  if (values.down) return down(hosts);
  const address = hosts > 1 ? await upOnLab(hosts) : await upOnThisMachine();
  await seawall(filesOf(hosts), 'deploy', '--yes');
  console.log(nextSteps({ address, files: filesOf(hosts), hosts }));
}

await main().catch((error: unknown) => {
  console.error(describeError(error));
  if (error instanceof SeawallError && error.hint !== undefined) console.error(`→ ${error.hint}`);
  process.exitCode = 1;
});
