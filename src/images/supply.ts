import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, SeawallError } from '../errors.ts';
import { type Docker, DockerError, type HostLink, type ImageInfo, isNotFound } from '../hosts/index.ts';
import { reportStep } from '../progress.ts';
import { type ImageArchive, spoolImage } from './archive.ts';
import { registryAuth, registryOf } from './registry-auth.ts';
import { sendImage } from './transfer.ts';
import { type ImageContext, type ImageWish, imagePlatform, platformError } from './wish.ts';

/** The image on an engine; `undefined` when it has none of that name. */
export async function findImage(
  docker: Pick<Docker, 'inspectImage'>,
  reference: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ImageInfo | undefined> {
  try {
    return await docker.inspectImage(reference, options);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** A host and a registry that the host could not reach; a second try would only wait again. */
const routeKey = (link: HostLink, reference: string) => `${link.name} ${registryOf(reference)}`;

/** Saves each image of an engine once, however many hosts it goes to; removed with the folder. */
export class Spool {
  readonly #folder: string;
  readonly #archives = new Map<string, Promise<ImageArchive>>();
  /** Pulls that failed because the registry did not answer, by host and registry. */
  readonly unreachable = new Map<string, DockerError>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  archive(docker: Docker, reference: string, signal: AbortSignal | undefined): Promise<ImageArchive> {
    const key = `${docker.socketPath} ${reference}`;
    const known = this.#archives.get(key);
    if (known !== undefined) return known;
    const file = join(this.#folder, `${this.#archives.size}.tar`);
    const made = spoolImage(docker, reference, file, { signal });
    this.#archives.set(key, made);
    return made;
  }

  async remove(): Promise<void> {
    await Promise.allSettled(this.#archives.values());
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Sends an image from an engine to a host, as a step that tells the bytes. Checks the platform first. */
export async function sendFrom(
  source: Docker,
  link: HostLink,
  wish: ImageWish,
  { spool, context }: { readonly spool: Spool; readonly context: ImageContext },
): Promise<void> {
  const { report, signal } = context;
  const image = await source.inspectImage(wish.reference, { signal });
  await checkPlatform(image, link, wish, signal);
  if (source.socketPath === link.docker.socketPath) return;
  if (await nameWhatIsThere(link, image.Id, wish.reference, signal)) return;
  const step = {
    id: `image ${link.name} ${wish.reference}`,
    title: `send ${wish.reference}`,
    host: link.name,
  };
  await reportStep(report, step, async (note) => {
    const archive = await spool.archive(source, wish.reference, signal);
    const onProgress = (sent: number, all: number) => note(`${megabytes(sent)} of ${megabytes(all)} MB`);
    const sent = await sendImage(archive, link, wish.reference, { onProgress, signal });
    note(sent.sentLayers === 0 ? 'was there' : `${sent.sentLayers} layers, ${megabytes(sent.sentBytes)} MB`);
  });
}

/** Several services of one build are one image: what the host has under another name only needs the name. */
async function nameWhatIsThere(
  link: HostLink,
  id: string,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if ((await findImage(link.docker, id, { signal })) === undefined) return false;
  await link.docker.tagImage(id, reference, { signal });
  return true;
}

async function checkPlatform(
  image: ImageInfo,
  link: HostLink,
  wish: ImageWish,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { Os, Arch } = await link.docker.version({ signal });
  const host = imagePlatform({ Os, Architecture: Arch });
  // A platform that the file asks for is the user's word: the host may emulate it.
  if (imagePlatform(image) !== host && wish.platform === undefined) {
    throw platformError(wish, imagePlatform(image), link.name, host);
  }
}

/** Has a host pull an image; when it cannot and the operator has it, it is sent and a notice says so. */
export async function pullOrSend(
  link: HostLink,
  wish: ImageWish,
  work: { readonly spool: Spool; readonly context: ImageContext },
): Promise<void> {
  const { context } = work;
  const failure = wish.pull === 'never' ? undefined : await tryPull(link, wish, work);
  if (wish.pull !== 'never' && failure === undefined) return;
  const { operator, signal, report } = context;
  const own = operator === undefined ? undefined : await findImage(operator, wish.reference, { signal });
  if (operator === undefined || own === undefined) throw missingImage(link, wish, failure);
  const why =
    failure === undefined
      ? 'is not pulled (pull_policy: never)'
      : `could not pull it (${describeError(failure)})`;
  report({ kind: 'line', text: `${wish.reference}: host ${link.name} ${why}; sending this machine's copy.` });
  await sendFrom(operator, link, wish, work);
}

async function tryPull(
  link: HostLink,
  wish: ImageWish,
  { spool, context }: { readonly spool: Spool; readonly context: ImageContext },
): Promise<DockerError | undefined> {
  const { report, signal, dockerConfig } = context;
  const known = spool.unreachable.get(routeKey(link, wish.reference));
  if (known !== undefined) return known;
  const auth = await registryAuth(wish.reference, dockerConfig, { signal });
  const id = `image ${link.name} ${wish.reference}`;
  report({ kind: 'begin', id, title: `pull ${wish.reference}`, host: link.name });
  try {
    const onProgress = (line: { status?: string }) =>
      line.status && report({ kind: 'note', id, text: line.status });
    await link.docker.pullImage(wish.reference, { auth, platform: wish.platform, onProgress, signal });
    report({ kind: 'end', id, outcome: 'done' });
    return undefined;
  } catch (error) {
    const isRefusal = error instanceof DockerError;
    report({ kind: 'end', id, outcome: isRefusal ? 'skipped' : 'failed', text: describeError(error) });
    if (!isRefusal) throw error;
    // The engine answers 500 when it did not get through or in, 403 and 404 when the registry said no to the image.
    if (error.status >= 500) spool.unreachable.set(routeKey(link, wish.reference), error);
    return error;
  }
}

function missingImage(link: HostLink, wish: ImageWish, failure: DockerError | undefined): SeawallError {
  const hint = `Check the name and the login (docker login), or have the image here: docker pull ${wish.reference}`;
  if (failure === undefined) {
    return new SeawallError(
      'refused',
      `neither host ${link.name} nor this machine has the image ${wish.reference}`,
      {
        where: `services.${wish.service}`,
        hint: 'pull_policy is never: load the image here (docker load), or allow the pull.',
      },
    );
  }
  return new SeawallError('docker', `host ${link.name} cannot pull ${wish.reference}: ${failure.message}`, {
    where: `services.${wish.service}`,
    hint,
    cause: failure,
  });
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0);
}
