import { mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { replaceFile } from '../replace-file.ts';

/** A configuration that was written. */
export interface Generation {
  readonly generation: number;
  readonly text: string;
}

/** Generations besides the current one that stay on the disk, to look at or to go back to. */
const keptGenerations = 5;

const folderOf = (edgePath: string, generation: number): string =>
  join(edgePath, 'generations', String(generation));

/** The configuration that nginx reads when it starts or is told to; undefined: none yet. */
export async function currentGeneration(edgePath: string): Promise<Generation | undefined> {
  try {
    const generation = Number(basename(await readlink(join(edgePath, 'current'))));
    const text = await readFile(join(folderOf(edgePath, generation), 'nginx.conf'), 'utf8');
    return { generation, text };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A number above every generation on the disk. */
export async function nextGeneration(edgePath: string): Promise<number> {
  return Math.max(0, ...(await writtenGenerations(edgePath))) + 1;
}

/** Writes a configuration beside the others; nothing reads it yet. @returns its path. */
export async function writeGeneration(edgePath: string, { generation, text }: Generation): Promise<string> {
  const folder = folderOf(edgePath, generation);
  await Promise.all([
    mkdir(folder, { recursive: true, mode: 0o755 }),
    mkdir(join(edgePath, 'logs'), { recursive: true, mode: 0o755 }),
    mkdir(join(edgePath, 'temp'), { recursive: true, mode: 0o755 }),
  ]);
  const path = join(folder, 'nginx.conf');
  await replaceFile(path, text, 0o644);
  return path;
}

/** Makes a generation the one that nginx reads; at every moment there is one. */
export async function makeCurrent(edgePath: string, generation: number): Promise<void> {
  const link = join(edgePath, 'current');
  await rm(`${link}.new`, { force: true });
  await symlink(join('generations', String(generation)), `${link}.new`);
  await rename(`${link}.new`, link);
}

export async function removeGeneration(edgePath: string, generation: number): Promise<void> {
  await rm(folderOf(edgePath, generation), { recursive: true, force: true });
}

/** Removes the generations after one and before another. */
export async function removeBetween(edgePath: string, after: number, before: number): Promise<void> {
  for (const generation of await writtenGenerations(edgePath))
    if (generation > after && generation < before) await removeGeneration(edgePath, generation);
}

/** Removes all but the newest generations before `current`. */
export async function pruneGenerations(edgePath: string, current: number): Promise<void> {
  const old = (await writtenGenerations(edgePath)).filter((generation) => generation < current);
  for (const generation of old.toSorted((a, b) => b - a).slice(keptGenerations))
    await removeGeneration(edgePath, generation);
}

/** Texts of all configurations on the disk. */
export async function generationTexts(edgePath: string): Promise<string[]> {
  const texts: string[] = [];
  for (const generation of await writtenGenerations(edgePath)) {
    const text = await readFile(join(folderOf(edgePath, generation), 'nginx.conf'), 'utf8').catch(
      unlessAbsent,
    );
    if (text !== undefined) texts.push(text);
  }
  return texts;
}

function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function writtenGenerations(edgePath: string): Promise<number[]> {
  try {
    return (await readdir(join(edgePath, 'generations'))).filter((name) => /^\d+$/.test(name)).map(Number);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
