import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeawallError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import { type Docker, isConflict, isNotFound } from '../hosts/index.ts';
import { ensureImages } from './ensure.ts';
import type { ImageContext, ReadyImage } from './wish.ts';

const repository = 'seawall-agent';

/** What the agent image is made of: files of the package itself. */
export interface AgentImageSource {
  /** Seawall's version, part of the image's name. */
  readonly version: string;
  /** `agent/Dockerfile`: takes the base as build argument `BASE` and copies `agent.js`. */
  readonly dockerfile: string;
  /** The bundled `dist/agent.js`. */
  readonly program: string;
  readonly baseImage: string;
  /** Network of the build's RUN steps. */
  readonly buildNetwork?: string | undefined;
}

/** Name of the agent image: other contents, other name. */
export async function agentImageName(source: AgentImageSource): Promise<string> {
  const [dockerfile, program] = await Promise.all([readPart(source.dockerfile), readPart(source.program)]);
  const hash = sha256(`${sha256(dockerfile)} ${sha256(program)} ${source.baseImage}`);
  return `${repository}:${source.version}-${hash.slice(0, 12)}`;
}

/** Builds the agent image where it is missing and brings it to the hosts. Does nothing when all have it. */
export async function ensureAgentImage(
  source: AgentImageSource,
  context: Omit<ImageContext, 'project'>,
): Promise<ReadyImage> {
  const reference = await agentImageName(source);
  const folder = await mkdtemp(join(tmpdir(), 'seawall-agent-'));
  try {
    await copyFile(source.dockerfile, join(folder, 'Dockerfile'));
    await copyFile(source.program, join(folder, 'agent.js'));
    const hosts = [...context.links.keys()];
    // Without an engine here the first host builds.
    const on = context.operator === undefined ? hosts[0] : undefined;
    const build = {
      ...(on === undefined ? {} : { on }),
      context: folder,
      dockerfile: 'Dockerfile',
      args: { BASE: source.baseImage },
      ...(source.buildNetwork === undefined ? {} : { network: source.buildNetwork }),
      labels: {},
      extraHosts: [],
      cacheFrom: [],
      noCache: false,
      pull: false,
      platforms: [],
      tags: [],
      sourceHash: reference,
    };
    const wish = { service: 'the agent', reference, build, pull: 'build', hosts } as const;
    const ready = await ensureImages([wish], { ...context, project: 'seawall' });
    const image = ready[wish.service];
    if (image === undefined) throw new SeawallError('bug', 'the agent image is nowhere');
    return image;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes agent images of other versions from a host; one that a container still uses stays until the next time. */
export async function removeOldAgentImages(
  docker: Pick<Docker, 'listImages' | 'removeImage'>,
  current: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const old = (await agentImagesOn(docker, options)).filter((tag) => tag !== current);
  await removeUnusedImages(docker, old, options);
}

/** Names of the agent images that a host holds, of any version. */
export async function agentImagesOn(
  docker: Pick<Docker, 'listImages'>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly string[]> {
  const images = await docker.listImages({ filters: { reference: [`${repository}:*`] }, ...options });
  return images.flatMap(({ RepoTags }) => RepoTags ?? []);
}

/** Names of all images that Seawall built or named on a host, its own and those of projects. */
export async function ownImagesOn(
  docker: Pick<Docker, 'listImages'>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly string[]> {
  const images = await docker.listImages({ filters: { reference: ['seawall/*:*'] }, ...options });
  return [...(await agentImagesOn(docker, options)), ...images.flatMap(({ RepoTags }) => RepoTags ?? [])];
}

/** Removes names of images; what a container still uses, running or not, stays. */
export async function removeUnusedImages(
  docker: Pick<Docker, 'removeImage'>,
  tags: readonly string[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  for (const tag of tags) {
    try {
      await docker.removeImage(tag, options);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
}

async function readPart(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SeawallError('bug', `Seawall's own file ${path} is missing`, {
      hint: 'In a checkout: npm run build. Else install the package anew.',
      cause,
    });
  }
}
