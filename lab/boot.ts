import { join } from 'node:path';
import { SeawallError } from '../src/errors.ts';
import { ensureEngine } from './engine.ts';
import { ensureImages } from './images.ts';
import { ensureKeyPair, type KeyPair } from './keys.ts';
import {
  bridgeName,
  hostNames,
  type Lab,
  type LabHost,
  labPrefix,
  machineAddress,
  renderSshConfig,
} from './lab.ts';
import { findContainers } from './leftovers.ts';
import { ensureMachine, type Machine, probePrivileges, waitForAnswer } from './machines.ts';
import { closeUplink, ensureNetwork, type LabNetwork } from './network.ts';
import { type Say, timed } from './progress.ts';
import { foreignImage, hostImage, oldHostImage } from './recipes.ts';
import { writeLab, writeStateFile } from './state.ts';

/** Every machine knows the names of this many hosts, so that a lab can grow. */
const namedHosts = 9;

export interface LabOptions {
  /** Small letters, digits and dashes; `default` by default. */
  readonly name?: string;
  /** How many machines with Docker: host1 to hostN. host2 runs Engine 20.10, the others 28.5. */
  readonly hosts: number;
  /** The absolute folder for `hosts.json`, `ssh_config` and the keys of this one lab. */
  readonly stateDir: string;
  /** Whether to add `foreign`, a machine without Docker to probe from; false by default. */
  readonly foreign?: boolean;
  /** Takes the lines of progress; `console.log` by default. */
  readonly say?: Say;
}

/** A machine with the keys that let the user in and prove it to be itself. */
interface Guest extends Machine {
  readonly userKey: KeyPair;
  readonly hostKey: KeyPair;
}

/**
 * Brings a lab up, or completes and powers on one that exists; returns when each machine answers by
 * ssh and its Docker does too. Throws when a lab of this name belongs to another folder.
 */
export async function bringUpLab(options: LabOptions): Promise<Lab> {
  const { name = 'default', stateDir, say = console.log } = options;
  checkOptions(name, options.hosts);
  await ensureEngine(say);
  const wanted = [...hostNames(options.hosts), ...(options.foreign ? ['foreign'] : [])];
  const names = [...new Set([...wanted, ...(await existingMachines(name, stateDir))])];
  await ensureImages({ images: [...new Set([...names.map(machineImage), foreignImage])], say });
  return timed(say, `Lab ${name} is up: ${names.join(', ')}`, () => bootLab(name, stateDir, names, say));
}

function checkOptions(name: string, hosts: number): void {
  // The default lab keeps its keys in a folder of that name, beside the folders of the other labs.
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name) || name === 'keys') {
    throw new SeawallError('input', `${name} is no name for a lab`, {
      hint: 'Use up to 31 small letters, digits and dashes, but not "keys"',
    });
  }
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > 100) {
    throw new SeawallError('input', 'A lab has 1 to 100 hosts', { hint: 'npm run lab -- up 3' });
  }
}

/** The machines of this lab that exist already; throws when another checkout has a lab of the same name. */
async function existingMachines(name: string, stateDir: string): Promise<string[]> {
  const containers = await findContainers(name);
  const other = containers.find((container) => container.folder !== stateDir);
  if (other) {
    throw new SeawallError('refused', `A lab named ${name} is up for another folder`, {
      hint: 'Give this one another name: npm run lab -- up 3 --name NAME',
      where: other.folder,
    });
  }
  return containers.map((container) => container.machine);
}

function machineImage(machine: string): string {
  if (machine === 'foreign') return foreignImage;
  return machine === 'host2' ? oldHostImage : hostImage;
}

async function bootLab(name: string, stateDir: string, names: readonly string[], say: Say): Promise<Lab> {
  const userKey = await ensureKeyPair(stateDir, 'id_ed25519');
  const [network, privileges] = await Promise.all([
    ensureNetwork(name, stateDir),
    probePrivileges(hostImage),
  ]);
  const guests = await Promise.all(
    names.map(async (machine) => ({
      ...describeMachine(name, stateDir, machine, network),
      userKey,
      hostKey: await ensureKeyPair(stateDir, `${machine}_host_key`),
    })),
  );
  const bridge = bridgeName(name);
  const [isClosed] = await Promise.all([
    closeUplink(bridge),
    ...guests.map((guest) => ensureMachine(guest, privileges, guest.userKey, guest.hostKey)),
  ]);
  if (!isClosed) say('The lab could not close its way outside: its hosts may reach other networks');
  const booting = await writeSshFiles(stateDir, guests);
  const sshConfig = join(stateDir, 'ssh_config');
  const hosts = await Promise.all(booting.map((host) => waitUntilUp(sshConfig, host)));
  const { subnet } = network;
  const lab: Lab = {
    name,
    stateDir,
    sshConfig,
    network: labPrefix(name),
    bridge,
    subnet,
    hosts,
  };
  await writeLab(lab);
  return lab;
}

function describeMachine(lab: string, stateDir: string, name: string, network: LabNetwork): Machine {
  const { address, address6 } = machineAddress(network, name);
  return {
    lab,
    stateDir,
    name,
    image: machineImage(name),
    container: `${labPrefix(lab)}-${name}`,
    network: labPrefix(lab),
    address,
    ...(address6 ? { address6 } : {}),
    neighbours: [...hostNames(namedHosts), 'foreign'].map((neighbour) => ({
      name: neighbour,
      address: machineAddress(network, neighbour).address,
    })),
  };
}

/** Writes what ssh needs to reach the machines, and returns them as the lab records them. */
async function writeSshFiles(stateDir: string, guests: readonly Guest[]): Promise<LabHost[]> {
  const hosts = guests.map(
    ({ name, address, address6, container, userKey }): LabHost => ({
      name,
      role: name === 'foreign' ? 'foreign' : 'host',
      address,
      ...(address6 ? { address6 } : {}),
      user: 'root',
      port: 22,
      key: userKey.file,
      container,
    }),
  );
  const known = guests.map(({ address, hostKey }) => `${address} ${hostKey.publicKey}\n`);
  await writeStateFile(stateDir, 'known_hosts', known.join(''));
  await writeStateFile(stateDir, 'ssh_config', renderSshConfig(hosts, join(stateDir, 'known_hosts')));
  return hosts;
}

/** Waits for sshd and, on a host, for Docker, whose version it adds. */
export async function waitUntilUp(sshConfig: string, host: LabHost): Promise<LabHost> {
  if (host.role === 'foreign') {
    await waitForAnswer(sshConfig, host, ['true']);
    return host;
  }
  const engine = await waitForAnswer(sshConfig, host, ['docker version --format {{.Server.Version}}']);
  return { ...host, engine };
}
