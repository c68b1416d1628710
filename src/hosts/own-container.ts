import { sha256 } from '../hash.ts';
import { LABEL } from '../labels.ts';
import type { Docker } from './docker.ts';
import { isNotFound } from './docker-error.ts';
import type { ContainerInfo, CreateContainerBody } from './docker-types.ts';

/** What became of one of Seawall's own containers. */
export type Ensured = 'kept' | 'started' | 'created' | 'replaced';

interface BodyParts {
  readonly Image: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

/** Hash by which a container is known to be made of this body. */
function bodyHash(body: BodyParts): string {
  return sha256(JSON.stringify(body)).slice(0, 16);
}

/** Whether the container of that name runs and is made of that body. */
export async function isContainerCurrent(
  docker: Pick<Docker, 'inspectContainer'>,
  name: string,
  body: BodyParts,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const found = await findContainer(docker, name, options);
  return found?.State.Running === true && found.Config.Labels?.[LABEL.config] === bodyHash(body);
}

/**
 * Makes one of Seawall's own containers run as `body` says. One that is the same already is left alone; one that
 * differs is stopped within `graceMs` and made anew. Once that has begun it is gone through with: a signal that comes
 * meanwhile throws after the new one was started, so that no host is left without.
 */
export async function ensureContainer(
  docker: Pick<
    Docker,
    'inspectContainer' | 'createContainer' | 'startContainer' | 'stopContainer' | 'removeContainer'
  >,
  name: string,
  body: BodyParts,
  options: { readonly graceMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Ensured> {
  const { signal } = options;
  const hash = bodyHash(body);
  const found = await findContainer(docker, name, { signal });
  if (found?.Config.Labels?.[LABEL.config] === hash) {
    if (found.State.Running) return 'kept';
    await docker.startContainer(found.Id, { signal });
    return 'started';
  }
  signal?.throwIfAborted();
  if (found !== undefined) {
    await docker.stopContainer(found.Id, options.graceMs);
    await docker.removeContainer(found.Id, { force: true, volumes: true });
  }
  const labelled = { ...body, Labels: { ...body.Labels, [LABEL.config]: hash } } as CreateContainerBody;
  const id = await docker.createContainer(name, labelled);
  await docker.startContainer(id);
  signal?.throwIfAborted();
  return found === undefined ? 'created' : 'replaced';
}

/** The container of that name or id; `undefined` when there is none. */
export async function findContainer(
  docker: Pick<Docker, 'inspectContainer'>,
  name: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ContainerInfo | undefined> {
  try {
    return await docker.inspectContainer(name, options);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
