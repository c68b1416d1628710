import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError, SeawallError } from '../src/errors.ts';
import { bringUpLab } from './boot.ts';
import { ensureEngine } from './engine.ts';
import { cutHost, findHost, healHost, startHost, stopHost, takeDownAllLabs, takeDownLab } from './hosts.ts';
import { ensureImages } from './images.ts';
import { type Lab, stateFolder } from './lab.ts';
import { findContainers } from './leftovers.ts';
import { timed } from './progress.ts';
import { readLab } from './state.ts';

const usage = `npm run lab -- COMMAND

  up N [--foreign]   bring up host1 to hostN, each with sshd and Docker; --foreign adds a machine outside
  down [--all]       remove the lab and everything it made; --all: every lab on this engine
  ls [--all]         the machines, their addresses and states
  ssh HOST [CMD…]    log in, or run a command
  stop HOST          power off at once
  start HOST         power on, and wait until it answers
  cut HOST           pull its network cable
  heal HOST          plug it in again
  images [NAME…]     have the images that the lab and the tests use
  engine             make sure that a Docker Engine answers on this machine

  --name NAME        a lab beside others (default: default)
  --dir DIR          where labs keep their state (default: .lab)`;

interface Invocation {
  readonly command: string;
  readonly operands: readonly string[];
  readonly name: string;
  readonly stateDir: string;
  readonly foreign: boolean;
  readonly all: boolean;
}

function parseInvocation(argv: readonly string[]): Invocation {
  // What follows `ssh HOST` belongs to the command that runs there.
  const split = argv[0] === 'ssh' ? afterHost(argv) : argv.length;
  const { values, positionals } = parseArgs({
    args: argv.slice(0, split),
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'default' },
      dir: { type: 'string', default: join(import.meta.dirname, '../.lab') },
      foreign: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
    },
  });
  const [command = '', ...operands] = positionals;
  const stateDir = stateFolder(resolve(values.dir), values.name);
  const { name, foreign, all } = values;
  return { command, operands: [...operands, ...argv.slice(split)], name, stateDir, foreign, all };
}

/** The place after `ssh HOST` and the options before the host. */
function afterHost(argv: readonly string[]): number {
  let index = 1;
  while (argv[index]?.startsWith('--')) index += argv[index]?.includes('=') ? 1 : 2;
  return Math.min(index + 1, argv.length);
}

async function runInvocation(invocation: Invocation): Promise<number> {
  const { command, operands, name, stateDir, foreign } = invocation;
  const [operand = ''] = operands;
  const onHost = async (done: string, act: (lab: Lab, host: string) => Promise<void>): Promise<void> => {
    const lab = await readLab(stateDir);
    await timed(console.log, `${operand} ${done}`, () => act(lab, operand));
  };
  switch (command) {
    case 'up':
      printLab(await bringUpLab({ name, stateDir, foreign, hosts: Number(operand || 3) }));
      break;
    case 'down':
      if (invocation.all) await timed(console.log, 'Took every lab down', takeDownAllLabs);
      else await timed(console.log, `Took lab ${name} down`, () => takeDownLab({ name, stateDir }));
      break;
    case 'ls':
      await listMachines(invocation);
      break;
    case 'ssh':
      return openShell(await readLab(stateDir), operand, operands.slice(1));
    case 'stop':
      await onHost('is off', stopHost);
      break;
    case 'start':
      await onHost('is on', startHost);
      break;
    case 'cut':
      await onHost('is cut off', cutHost);
      break;
    case 'heal':
      await onHost('is connected', healHost);
      break;
    case 'images':
      await ensureEngine();
      await timed(console.log, 'The images are there', () =>
        ensureImages(operands[0] ? { images: operands } : {}),
      );
      break;
    case 'engine':
      await ensureEngine();
      break;
    default:
      console.log(usage);
      return command === '' || command === 'help' ? 0 : 2;
  }
  return 0;
}

function printLab(lab: Lab): void {
  for (const { name, address, engine } of lab.hosts) {
    console.log(`  ${name.padEnd(8)} ${address.padEnd(14)} ${engine ? `Docker ${engine}` : 'no Docker'}`);
  }
  console.log(`Next: ssh -F ${lab.sshConfig} ${lab.hosts[0]?.name ?? 'host1'}`);
}

async function listMachines({ name, all }: Invocation): Promise<void> {
  const containers = await findContainers(all ? undefined : name);
  if (containers.length === 0)
    console.log(all ? 'No lab is up' : `Lab ${name} is not up: npm run lab -- up 3`);
  for (const container of containers) {
    const lab = await readLab(container.folder).catch(() => undefined);
    const host = lab?.hosts.find((candidate) => candidate.name === container.machine);
    const engine = host?.engine ? `Docker ${host.engine}` : '';
    const place = [container.lab, container.machine, host?.address ?? '?', container.state, engine];
    console.log(
      place
        .map((word) => word.padEnd(14))
        .join(' ')
        .trimEnd(),
    );
  }
}

function openShell(lab: Lab, name: string, command: readonly string[]): Promise<number> {
  findHost(lab, name);
  const child = spawn('ssh', ['-F', lab.sshConfig, name, ...command], { stdio: 'inherit' });
  return new Promise((resolvePromise, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolvePromise(code ?? 255));
  });
}

try {
  process.exitCode = await runInvocation(parseInvocation(process.argv.slice(2)));
} catch (error) {
  console.error(describeError(error));
  if (error instanceof SeawallError && error.where) console.error(`  at ${error.where}`);
  if (error instanceof SeawallError && error.hint) console.error(`  ${error.hint}`);
  process.exitCode = 1;
}
