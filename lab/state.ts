import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SeawallError } from '../src/errors.ts';
import type { Lab } from './lab.ts';

const files = ['hosts.json', 'ssh_config', 'known_hosts', 'keys', 'guests'];

/** Reads the lab that was brought up in this folder; throws when there is none. */
export async function readLab(stateDir: string): Promise<Lab> {
  const file = join(stateDir, 'hosts.json');
  if (!existsSync(file)) {
    throw new SeawallError('input', 'This lab is not up', {
      hint: 'npm run lab -- up 3',
      where: file,
    });
  }
  return JSON.parse(await readFile(file, 'utf8')) as Lab;
}

export async function writeLab(lab: Lab): Promise<void> {
  await writeStateFile(lab.stateDir, 'hosts.json', `${JSON.stringify(lab, null, 2)}\n`);
}

/** Replaces a file of the state folder, which is made if missing. */
export async function writeStateFile(stateDir: string, name: string, text: string): Promise<void> {
  await mkdir(stateDir, { recursive: true });
  const file = join(stateDir, name);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** Removes what the lab wrote. Labs by other names may live in folders beneath: those stay. */
export async function removeState(stateDir: string): Promise<void> {
  for (const name of files) await rm(join(stateDir, name), { recursive: true, force: true });
  const left = await readdir(stateDir).catch(() => ['absent']);
  if (left.length === 0) await rmdir(stateDir);
}
