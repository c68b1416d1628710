import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OWN } from '../cluster.ts';
import { SeawallError } from '../errors.ts';
import { demultiplex, type HostLink, isConflict } from '../hosts/index.ts';
import { LABEL } from '../labels.ts';
import { parseAnswers } from './answers.ts';
import { fullDiskError } from './space.ts';
import { STAGING_FOLDER } from './staging/folder.ts';
import type { Answer, Order, Results, ServeOrder } from './staging/orders.ts';

/** Docker volume of layers that wait to be loaded: on the disk on which Docker keeps its images, and checked with it. */
export const STAGING_VOLUME = 'seawall-images';

const DOCKER_SOCKET = '/var/run/docker.sock';

export interface OrderOptions {
  /** What follows the order on the helper's input. */
  readonly body?: () => Readable;
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

type Host = Pick<HostLink, 'docker' | 'name'>;

/**
 * Has a short-lived container of the agent's image on a host do one thing with layers. Who holds Docker's socket has
 * no network, who listens or dials has no socket; credentials travel on the input.
 * @throws SeawallError `refused` for a full disk, else `docker`, `unreachable`.
 */
export async function orderHost<O extends Order>(
  host: Host,
  order: O,
  options: OrderOptions = {},
): Promise<Results[O['kind']]> {
  for await (const answer of answersOf(host, order, options)) {
    if (answer.kind === 'bytes') options.onBytes?.(answer.bytes);
    if (answer.kind === 'done') return answer.result as Results[O['kind']];
  }
  throw new SeawallError('unreachable', 'the connection to a helper container ended', {
    where: host.name,
  });
}

/** Layers of a host, within reach of the others until `stop`. */
export interface Serving {
  readonly port: number;
  stop(): Promise<void>;
}

/** Has a host give layers to others. */
export async function startServing(
  host: Host,
  order: ServeOrder,
  options: Pick<OrderOptions, 'signal'> = {},
): Promise<Serving> {
  const answers = answersOf(host, order, options);
  const first = await answers.next();
  if (first.done !== true && first.value.kind === 'listening') {
    return { port: first.value.port, stop: async () => void (await answers.return(undefined)) };
  }
  throw new SeawallError('docker', 'layers cannot be given to the other hosts', { where: host.name });
}

async function* answersOf(
  host: Host,
  order: Order,
  options: OrderOptions,
): AsyncGenerator<Answer, undefined> {
  const { docker } = host;
  const { signal, body } = options;
  const name = `seawall-images-${order.kind}-${order.project}`;
  const id = await createHelper(host, name, order, signal);
  const sending = new AbortController();
  try {
    const stream = await docker.attachContainer(id, { stdin: true, signal });
    stream.on('error', () => {});
    await docker.startContainer(id, { signal });
    stream.write(`${JSON.stringify(order)}\n`);
    if (body !== undefined) {
      pipeline(body(), stream, { end: false, signal: sending.signal }).catch(() => {});
    }
    let other = '';
    for await (const answer of parseAnswers(demultiplex(stream), (said) => (other = said))) {
      if (answer.kind === 'failed') throw helperError(host, order, answer);
      yield answer;
    }
    signal?.throwIfAborted();
    if (other !== '') throw unclearError(host, order, other);
    return undefined;
  } finally {
    sending.abort();
    await removeHelper(host, id);
  }
}

/** A helper of the same name is one that an operator who is gone left behind: the lease lets only one deploy in. */
async function createHelper(
  host: Host,
  name: string,
  order: Order,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { docker } = host;
  const { Image: image } = await docker.inspectContainer(OWN.agent, { signal });
  const body = helperBody(image, order);
  try {
    return await docker.createContainer(name, body, { signal });
  } catch (error) {
    if (!isConflict(error)) throw error;
    await removeHelper(host, name);
    return docker.createContainer(name, body, { signal });
  }
}

async function removeHelper({ docker }: Host, id: string): Promise<void> {
  // Most have ended and vanished by themselves; one that cannot be reached ends when its input does.
  await docker.removeContainer(id, { force: true, signal: AbortSignal.timeout(20_000) }).catch(() => {});
}

function helperBody(image: string, { kind }: Order) {
  const isNetworked = kind === 'serve' || kind === 'fetch';
  const needsDocker = kind === 'load' || kind === 'export';
  return {
    Image: image,
    Cmd: ['images'],
    User: '0:0',
    Healthcheck: { Test: ['NONE'] },
    Labels: { [LABEL.kind]: 'images' },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: isNetworked ? 'host' : 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      UsernsMode: 'host',
      LogConfig: { Type: 'none' },
      PidsLimit: 64,
      Binds: [
        `${STAGING_VOLUME}:${STAGING_FOLDER}:${kind === 'serve' ? 'ro' : 'rw'}`,
        ...(needsDocker ? [`${DOCKER_SOCKET}:${DOCKER_SOCKET}`] : []),
      ],
    },
  };
}

/** A helper ended without an answer, and what it wrote is not for Seawall but for whoever looks into it. */
function unclearError({ name }: Host, order: Order, said: string): SeawallError {
  const text = said.trim().replaceAll(/\s*\n\s*/g, ' | ');
  return new SeawallError(
    'docker',
    `a helper on ${name} (images ${order.kind}) ended without an answer; it said: ${text}`,
    { where: name, hint: 'Run the command again.' },
  );
}

function helperError(
  { name }: Host,
  order: Order,
  { code, message }: Extract<Answer, { kind: 'failed' }>,
): SeawallError {
  const cause = new Error(message);
  if (code === 'ENOSPC') return fullDiskError(name, cause);
  const what = { receive: 'take layers', fetch: 'get layers from another host', load: 'load an image' };
  const text = what[order.kind as keyof typeof what] ?? `${order.kind} layers`;
  const kind = code === 'docker' ? 'docker' : 'unreachable';
  return new SeawallError(kind, `could not ${text}: ${message}`, { where: name, cause });
}
