import { lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SeawallError } from '../errors.ts';
import { syncFolder } from '../replace-file.ts';

/** A file that a command leaves on the operator's machine. */
export interface OutputFile {
  readonly path: string;
  readonly text: string;
  /** 0o600 for keys. */
  readonly mode: number;
}

/** @throws SeawallError `input` for the first path at which something stands; `--force` is the way out. */
export async function refuseOverwrite(paths: readonly string[], force: boolean): Promise<void> {
  if (force) return;
  for (const path of paths) {
    if (!(await exists(path))) continue;
    throw new SeawallError('input', `${path} is there already`, {
      hint: 'Choose another place with --out, or replace it with --force.',
      where: path,
    });
  }
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw notWritable(path, error);
    },
  );

/** Makes the folder if it is not there; nobody else may look into it. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw notWritable(path, cause);
  });
}

/** Writes aside, flushes, renames: a file is there whole or not at all, and never with more rights than in the end. */
export async function writeOutputs(files: readonly OutputFile[]): Promise<void> {
  for (const file of files) {
    await writeOutput(file).catch((cause: unknown) => {
      throw notWritable(file.path, cause);
    });
  }
}

async function writeOutput({ path, text, mode }: OutputFile): Promise<void> {
  const aside = `${path}.new`;
  await rm(aside, { force: true });
  const handle = await open(aside, 'wx', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(aside, path);
  await syncFolder(dirname(path));
}

/** @throws SeawallError `input` when there is no such file, or it cannot be read. */
export async function readInput(option: string, path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw new SeawallError('input', `${option} ${path} cannot be read`, { where: path, cause });
  });
}

const notWritable = (path: string, cause: unknown): SeawallError =>
  new SeawallError('input', `${path} cannot be written`, {
    hint: 'Choose another place with --out.',
    where: path,
    cause,
  });
