/**
 * `npm run demo`: the example application on this machine's own Docker. `-- --hosts 3`: on three hosts of a lab.
 * `-- --down`: removes what an earlier demo made.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bringUpLab } from '../lab/boot.ts';
import { ensureEngine } from '../lab/engine.ts';
import { takeDownLab } from '../lab/hosts.ts';
import { ensureImages } from '../lab/images.ts';
import type { Lab } from '../lab/lab.ts';
import { canPull } from '../lab/pull.ts';

const { values } = parseArgs({
  options: { hosts: { type: 'string', default: '1' }, down: { type: 'boolean', default: false } },
});
const root = resolve(import.meta.dirname, '..');
const state = join(root, '.demo');
const example = join(root, 'examples/polls');
const labState = join(state, 'lab');

async function run(command: string, args: readonly string[], cwd = root): Promise<void> {
  const child = spawn(command, args, { stdio: 'inherit', cwd });
  const code = await new Promise<number>((done, fail) => {
    child.on('error', fail);
    child.on('close', (exit) => done(exit ?? 1));
  });
  if (code !== 0) process.exit(code);
}

/** 80 when this machine has it free, else 8080 and up. */
async function freePort(): Promise<number> {
  for (const port of [80, 8080, 8081, 8082, 8083]) {
    const isFree = await new Promise<boolean>((done) => {
      const server = createServer();
      server.once('error', () => done(false));
      server.listen(port, () => server.close(() => done(true)));
    });
    if (isFree) return port;
  }
  throw new Error('ports 80 and 8080 to 8083 are all taken on this machine');
}

/** What stands in a file of its own, so that the example stays what a user would write. */
function writeOverride(name: string, settings: Record<string, unknown>): string {
  mkdirSync(state, { recursive: true });
  const file = join(state, name);
  writeFileSync(file, `${JSON.stringify(settings, undefined, 2)}\n`);
  return file;
}

const labHosts = (lab: Lab): Record<string, unknown> =>
  Object.fromEntries(
    lab.hosts
      .filter((host) => host.role === 'host')
      .map((host, index) => [
        host.name,
        { ssh: host.name, address: host.address, roles: index === 0 ? ['edge'] : ['app'] },
      ]),
  );

/** Where nothing can be pulled, builds reach the package registries over the machine's own network only. */
const buildSettings = (isOffline: boolean): Record<string, unknown> =>
  isOffline
    ? {
        compose: [join(example, 'compose.yaml'), join(root, 'lab/overrides/compose.build-host-network.yaml')],
        agent: { build_network: 'host' },
      }
    : { compose: [join(example, 'compose.yaml')] };

const seawall = (files: readonly string[], ...args: string[]): Promise<void> =>
  run(join(root, 'bin/seawall'), [...args, ...files.flatMap((file) => ['--file', file])]);

await run(process.execPath, ['scripts/build.ts']);
await ensureEngine();
const count = Number(values.hosts);
const overrideName = count > 1 ? 'seawall.hosts.yml' : 'seawall.local.yml';
const files = [join(example, 'seawall.yml'), join(state, overrideName)];

if (values.down) {
  if (count > 1) await takeDownLab({ name: 'demo', stateDir: labState });
  else {
    await seawall(files, 'down', '--yes', '--volumes');
    await seawall(files, 'machine', 'rm', '--yes', 'local');
  }
  process.exit(0);
}

await ensureImages();
const build = buildSettings(!(await canPull('nginx:1.30')));
let address: string;
let domain = 'polls.localhost';
if (count > 1) {
  const lab = await bringUpLab({ name: 'demo', hosts: count, stateDir: labState });
  const edge = lab.hosts[0]?.address ?? '';
  writeOverride(overrideName, { ...build, ssh_config: lab.sshConfig, hosts: labHosts(lab) });
  address = `http://${edge}`;
} else {
  const port = await freePort();
  writeOverride(overrideName, { ...build, edge: { http_port: port } });
  address = `http://${domain}${port === 80 ? '' : `:${port}`}`;
}
await seawall(files, 'deploy', '--yes');
const options = files.map((file) => `--file ${file.slice(root.length + 1)}`).join(' ');
domain = 'polls.localhost';
console.log(`
The polls application serves at ${address}
  Look at it:     curl -H 'Host: ${domain}' ${address}/
  Its replicas:   bin/seawall ps ${options}
  Its logs:       bin/seawall logs -f ${options}
  Another scale:  bin/seawall scale web=4 ${options}
  Remove it all:  npm run demo -- ${count > 1 ? `--hosts ${count} ` : ''}--down
`);
