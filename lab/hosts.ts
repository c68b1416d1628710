import { SeawallError } from '../src/errors.ts';
import { waitUntilUp } from './boot.ts';
import { runCommand } from './command.ts';
import { bridgeName, type Lab, type LabHost } from './lab.ts';
import { findContainers, removeLeftovers } from './leftovers.ts';
import { plugCable, reopenUplink } from './network.ts';
import { removeState } from './state.ts';

/** The machine of that name; throws with the names there are. */
export function findHost(lab: Lab, name: string): LabHost {
  const host = lab.hosts.find((candidate) => candidate.name === name);
  if (host) return host;
  throw new SeawallError('input', `The lab has no ${name || 'host without a name'}`, {
    hint: `It has ${lab.hosts.map((candidate) => candidate.name).join(', ')}`,
  });
}

/** Power off: every process of the machine ends at once, its disk stays. */
export async function stopHost(lab: Lab, name: string): Promise<void> {
  const { container } = findHost(lab, name);
  if (await isRunning(lab, name)) await runCommand('docker', ['kill', container]);
}

/** A machine that is off gets an empty disk: no images, containers and volumes. What is outside /var/lib/docker stays. */
export async function emptyDisk(lab: Lab, name: string): Promise<void> {
  const { container } = findHost(lab, name);
  const image = (await runCommand('docker', ['inspect', '--format', '{{.Config.Image}}', container])).trim();
  const remove = ['/disk', '-mindepth', '1', '-delete'];
  const mount = ['--volume', `${container}:/disk`, '--network', 'none', '--entrypoint', 'find'];
  await runCommand('docker', ['run', '--rm', ...mount, image, ...remove]);
}

/** Power on; returns when the machine answers by ssh and its Docker does too. A cut cable is plugged in again. */
export async function startHost(lab: Lab, name: string): Promise<void> {
  const host = findHost(lab, name);
  await runCommand('docker', ['start', host.container]);
  await waitUntilUp(lab.sshConfig, host);
}

/** Partition: neither the other machines nor this one reach the host; it runs on and keeps its address. */
export async function cutHost(lab: Lab, name: string): Promise<void> {
  await plugCable(findHost(lab, name).container, undefined);
}

/** Ends a partition. */
export async function healHost(lab: Lab, name: string): Promise<void> {
  await plugCable(findHost(lab, name).container, lab.bridge);
}

/** Removes the lab: its machines with their disks, its network, its state. Fine where there is none. */
export async function takeDownLab(lab: Pick<Lab, 'name' | 'stateDir'>): Promise<void> {
  const containers = await findContainers(lab.name);
  if (containers.length > 0) await reopenUplink(bridgeName(lab.name));
  await removeLeftovers(lab.name);
  await removeState(lab.stateDir);
}

/** Removes every lab of this engine, whichever folder it belongs to: what a run that was killed left. */
export async function takeDownAllLabs(): Promise<void> {
  const containers = await findContainers();
  const labs = new Map(containers.map((container) => [container.lab, container.folder]));
  for (const [name, stateDir] of labs) await takeDownLab({ name, stateDir });
  await removeLeftovers();
}

async function isRunning(lab: Lab, name: string): Promise<boolean> {
  const containers = await findContainers(lab.name);
  return containers.some((container) => container.machine === name && container.state === 'running');
}
