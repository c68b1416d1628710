import { describeError, SeawallError } from '../errors.ts';
import { DockerError, type HostLink } from '../hosts/index.ts';
import { registryAuth } from './registry-auth.ts';
import { routeKey, type Spool } from './spool.ts';
import type { ImageContext, ImageWish } from './wish.ts';

/** Has a host pull an image. @returns why the registry or the engine refused. */
export async function tryPull(
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
    if (isUnreached(error)) spool.unreachable.set(routeKey(link, wish.reference), error);
    return error;
  }
}

/**
 * Whether the registry did not answer at all. The engine says 500 then, and also where the registry lets nobody in to this
 * one image: only its words, those of Go's net and net/http, tell which.
 */
function isUnreached({ status, message }: DockerError): boolean {
  const words =
    /dial tcp|no such host|i\/o timeout|Client\.Timeout|deadline exceeded|connection refused|no route to host|network is unreachable|TLS handshake/i;
  return status >= 500 && words.test(message);
}

/** The host has not got an image that is named by its digest: a name that no copy of another machine can be given. */
export function unpulledDigest(
  { name }: HostLink,
  { service, reference }: ImageWish,
  failure: DockerError | undefined,
): SeawallError {
  const why = failure === undefined ? 'pull_policy is never' : failure.message;
  return new SeawallError(
    'refused',
    `${reference} is named by digest, and host ${name} did not pull it: ${why}`,
    {
      where: `services.${service}`,
      hint: `Host ${name} must pull it itself (allow the pull; check the login: docker login). Or name the image by tag: then it can be sent.`,
      cause: failure,
    },
  );
}

/** Neither the host nor this machine has it, and it cannot be pulled. */
export function missingImage(
  link: HostLink,
  wish: ImageWish,
  failure: DockerError | undefined,
): SeawallError {
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
