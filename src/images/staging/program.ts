import { statfs } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { describeError } from '../../errors.ts';
import { Docker } from '../../hosts/index.ts';
import { exportLayers } from './export.ts';
import { fetchLayers } from './fetch.ts';
import { LayerFolder, removeForgotten, STAGING_FOLDER } from './folder.ts';
import { loadLayers } from './load.ts';
import type { Answer, Looked, Order, Results, Room } from './orders.ts';
import { receiveLayers } from './receive.ts';
import { serveLayers } from './serve.ts';

const DOCKER_SOCKET = '/var/run/docker.sock';
const PROGRESS_MS = 500;

/**
 * `agent.js images`: the program of a helper container. Reads one {@link Order} as a line of its input, and says what
 * becomes of it in lines of {@link Answer}. @returns the exit code.
 */
export async function runImageOrder(input: Readable, output: NodeJS.WritableStream): Promise<number> {
  const say = (answer: Answer) => void output.write(`${JSON.stringify(answer)}\n`);
  let folder: LayerFolder | undefined;
  try {
    const order = JSON.parse(await readLine(input)) as Order;
    folder = new LayerFolder(order.project);
    const result = await carryOut(order, folder, { input, say });
    say({ kind: 'done', result });
    return 0;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'bug';
    // On a full disk what runs needs the room more than the next attempt needs a head start.
    if (code === 'ENOSPC') await folder?.clear();
    say({ kind: 'failed', code, message: describeError(error) });
    return 1;
  }
}

async function carryOut(
  order: Order,
  folder: LayerFolder,
  { input, say }: { readonly input: Readable; readonly say: (answer: Answer) => void },
): Promise<Results[keyof Results]> {
  const onBytes = atMostOften((bytes) => say({ kind: 'bytes', bytes }));
  switch (order.kind) {
    case 'look':
      return look(folder);
    case 'receive':
      await removeForgotten();
      await receiveLayers(order, folder, input, onBytes);
      return null;
    case 'serve':
      await serveLayers(order, folder, input, (port) => say({ kind: 'listening', port }));
      return null;
    case 'fetch':
      return { fetchedBytes: await fetchLayers(order, folder, onBytes) };
    case 'export':
      return withDocker((docker) => exportLayers(order, folder, docker));
    case 'load':
      await withDocker((docker) => loadLayers(order, folder, docker));
      if (order.clears) await folder.clear();
      return null;
    case 'clear':
      await folder.clear();
      return null;
  }
}

async function look(folder: LayerFolder): Promise<Looked> {
  // A container's root is where Docker keeps its layers: overlayfs answers for the filesystem of its upper folder.
  const [store, staging, staged] = await Promise.all([roomOf('/'), roomOf(STAGING_FOLDER), folder.list()]);
  return { store, staging, staged };
}

async function roomOf(path: string): Promise<Room> {
  const { blocks, bavail, bsize } = await statfs(path);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

async function withDocker<T>(work: (docker: Docker) => Promise<T>): Promise<T> {
  const docker = new Docker(DOCKER_SOCKET, 'the host');
  try {
    return await work(docker);
  } finally {
    docker.close();
  }
}

function atMostOften(say: (bytes: number) => void): (bytes: number) => void {
  let last = performance.now();
  return (bytes) => {
    if (performance.now() - last < PROGRESS_MS) return;
    last = performance.now();
    say(bytes);
  };
}

/** The first line; what comes behind it stays in the stream. */
async function readLine(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = input.read() as Buffer | null;
    if (chunk === null) {
      await new Promise<void>((resolve, reject) => {
        input.once('readable', resolve);
        input.once('end', () => reject(new Error('no order came')));
        input.once('error', reject);
      });
      continue;
    }
    const end = chunk.indexOf(10);
    if (end === -1) {
      chunks.push(chunk);
      continue;
    }
    if (end + 1 < chunk.byteLength) input.unshift(chunk.subarray(end + 1));
    return Buffer.concat([...chunks, chunk.subarray(0, end)]).toString();
  }
}
