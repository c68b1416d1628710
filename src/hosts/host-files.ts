import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { SeawallError } from '../errors.ts';
import type { Docker } from './docker.ts';
import { isNotFound } from './docker-error.ts';
import { demultiplex } from './docker-stream.ts';

/** A file of root to be put on a host; the folders above it exist or are named. */
export interface HostFile {
  /** Absolute, below /etc or /var/lib. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

export interface HostFolder {
  readonly path: string;
  readonly mode: number;
}

type HelperDocker = Pick<
  Docker,
  | 'createContainer'
  | 'attachContainer'
  | 'startContainer'
  | 'waitContainer'
  | 'removeContainer'
  | 'getArchive'
>;

interface HelperOptions {
  /** Image with Node on the host: the agent's. */
  readonly image: string;
  readonly signal?: AbortSignal | undefined;
}

/** Reads `{ folders, files, remove }` on stdin; every file appears whole or not at all. */
const writeScript = `
const fs = require('node:fs');
const { folders, files, remove } = JSON.parse(fs.readFileSync(0, 'utf8'));
for (const { path, mode } of folders) {
  fs.mkdirSync('/host' + path, { recursive: true, mode });
  fs.chmodSync('/host' + path, mode);
}
for (const { path, content, mode } of files) {
  const aside = '/host' + path + '.new';
  fs.rmSync(aside, { force: true });
  const file = fs.openSync(aside, 'wx', mode);
  fs.writeFileSync(file, content);
  fs.fchmodSync(file, mode);
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(aside, '/host' + path);
}
for (const path of remove) fs.rmSync('/host' + path, { recursive: true, force: true });
`;

/**
 * Writes files and folders of root to a host without sudo: a helper container has /etc and /var/lib, and reads what to
 * do on its input, so that nothing of it stands in an argument, a variable or a log.
 */
export async function writeHostFiles(
  docker: HelperDocker,
  what: {
    readonly folders?: readonly HostFolder[];
    readonly files?: readonly HostFile[];
    /** Paths that vanish with everything below. */
    readonly remove?: readonly string[];
  },
  options: HelperOptions,
): Promise<void> {
  // Only root's own files are written; what others left behind is removed all the same.
  const CapAdd = what.remove === undefined ? [] : ['DAC_OVERRIDE'];
  const input = JSON.stringify({ folders: [], files: [], remove: [], ...what });
  await runHelper(docker, writeScript, { ...options, input, hostConfig: { ...binds('rw'), CapAdd } });
}

/**
 * Runs a constant Node program as root in a container of its own that vanishes afterwards; it has no network and no
 * capability but what `hostConfig` says.
 * @returns what it printed. Throws `docker` when it fails.
 */
export async function runHelper(
  docker: HelperDocker,
  script: string,
  options: HelperOptions & {
    readonly input?: string;
    readonly hostConfig?: Readonly<Record<string, unknown>>;
  },
): Promise<string> {
  const { signal } = options;
  const body = helperBody(options.image, script, options.hostConfig ?? {});
  const id = await docker.createContainer(helperName(), body, { signal });
  try {
    const stream = await docker.attachContainer(id, { stdin: true, signal });
    stream.on('error', () => {});
    await docker.startContainer(id, { signal });
    stream.end(options.input ?? '');
    let said = '';
    for await (const chunk of demultiplex(stream)) said = (said + chunk.bytes.toString()).slice(-100_000);
    signal?.throwIfAborted();
    const exitCode = await docker.waitContainer(id, { signal });
    if (exitCode === 0) return said;
    const reason = /^\w*Error: .*$/m.exec(said)?.[0] ?? said.trim().split('\n').at(-1) ?? '';
    throw new SeawallError('docker', `a helper container failed: ${reason}`, {
      cause: new Error(said.slice(-2000)),
    });
  } finally {
    await docker.removeContainer(id, { force: true });
  }
}

/** A file of a host as root sees it; `undefined` when there is none. */
export async function readHostFile(
  docker: HelperDocker,
  path: string,
  options: HelperOptions,
): Promise<string | undefined> {
  const { signal } = options;
  const id = await docker.createContainer(helperName(), helperBody(options.image, '', binds('ro')), {
    signal,
  });
  try {
    return await readContainerFile(docker, id, `/host${path}`, { signal });
  } finally {
    await docker.removeContainer(id, { force: true });
  }
}

/** A file of a container, running or not; `undefined` when the file or the container is not there. */
export async function readContainerFile(
  docker: Pick<Docker, 'getArchive'>,
  container: string,
  path: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string | undefined> {
  try {
    return await firstFile(await docker.getArchive(container, path, options));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function firstFile(archive: Readable): Promise<string | undefined> {
  const tar = extract();
  let content: string | undefined;
  tar.on('entry', (_header, entry, next) => {
    const chunks: Buffer[] = [];
    entry.on('data', (chunk) => chunks.push(chunk as Buffer));
    entry.on('end', () => {
      content ??= Buffer.concat(chunks).toString();
      next();
    });
  });
  await pipeline(archive, tar as unknown as Writable);
  return content;
}

let helpers = 0;
function helperName(): string {
  helpers += 1;
  return `seawall-helper-${process.pid}-${helpers}`;
}

function binds(access: 'rw' | 'ro') {
  return { Binds: [`/etc:/host/etc:${access}`, `/var/lib:/host/var/lib:${access}`] };
}

function helperBody(image: string, script: string, hostConfig: Readonly<Record<string, unknown>>) {
  return {
    Image: image,
    Entrypoint: ['node', '-e', script],
    Cmd: [],
    User: '0:0',
    Healthcheck: { Test: ['NONE'] },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    HostConfig: {
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      // With remapped users, root in the container would not be the host's.
      UsernsMode: 'host',
      LogConfig: { Type: 'none' },
      ...hostConfig,
    },
  };
}
