import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand, tryCommand } from './command.ts';
import { besideLabel, type Lab, labPrefix } from './lab.ts';

/** A program on a machine of its own in the lab's network: no host, without ssh; what the world has around a cluster. */
export interface Guest {
  readonly name: string;
  readonly image: string;
  /** The last part of its address: 100 to 250; below are the machines. */
  readonly number: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Path in the guest → content. */
  readonly files?: Readonly<Record<string, string>>;
  readonly entrypoint?: string;
}

/** The container that plays a guest. */
export const guestContainer = (lab: Pick<Lab, 'name'>, guest: string): string =>
  `${labPrefix(lab.name)}-guest-${guest}`;

/** The address of the guest of that number. */
export const guestAddress = (lab: Pick<Lab, 'subnet'>, number: number): string =>
  lab.subnet.replace(/0\/24$/, String(number));

/** Starts a guest, in place of one of that name, and goes on; returns its address. */
export async function startGuest(lab: Lab, guest: Guest): Promise<string> {
  const container = await createGuest(lab, guest);
  await runCommand('docker', ['start', container]);
  return guestAddress(lab, guest.number);
}

/** Runs a guest to its end, and removes it; returns how it ended and what it printed. */
export async function runGuest(
  lab: Lab,
  guest: Guest,
  timeoutMs: number,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const container = await createGuest(lab, guest);
  try {
    return await tryCommand('docker', ['start', '--attach', container], { timeoutMs });
  } finally {
    await removeGuest(lab, guest.name);
  }
}

/** Removes a guest; fine where there is none. */
export async function removeGuest(lab: Pick<Lab, 'name'>, guest: string): Promise<void> {
  await tryCommand('docker', ['rm', '--force', '--volumes', guestContainer(lab, guest)]);
}

async function createGuest(lab: Lab, guest: Guest): Promise<string> {
  const { name, image, number, args = [], env = {}, files = {}, entrypoint } = guest;
  await removeGuest(lab, name);
  const container = guestContainer(lab, name);
  await runCommand('docker', [
    ...['create', '--name', container, '--hostname', name, '--label', `${besideLabel}=${lab.name}`],
    ...['--network', lab.network, '--ip', guestAddress(lab, number), '--log-opt', 'max-size=50m'],
    ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(entrypoint === undefined ? [] : ['--entrypoint', entrypoint]),
    image,
    ...args,
  ]);
  await putFiles(join(lab.stateDir, 'guests', name), container, files);
  return container;
}

/** Through a folder of the lab's state: a container that does not run yet takes files only by `docker cp`. */
async function putFiles(
  folder: string,
  container: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  if (Object.keys(files).length > 0) await runCommand('docker', ['cp', `${folder}/.`, `${container}:/`]);
}
