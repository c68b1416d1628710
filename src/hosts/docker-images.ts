import type { Readable } from 'node:stream';
import { DockerError } from './docker-error.ts';
import type { DockerHttp, EngineRequest } from './docker-http.ts';
import { jsonLines } from './docker-stream.ts';
import type { ProgressLine } from './docker-types.ts';

export interface PullOptions {
  /** Base64url JSON of the registry's credentials (`X-Registry-Auth`); used for this pull only. */
  readonly auth?: string | undefined;
  /** Such as `linux/amd64`. */
  readonly platform?: string | undefined;
  readonly onProgress?: (line: ProgressLine) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Has the engine pull an image. Throws {@link DockerError} with the registry's message. */
export async function pullImage(http: DockerHttp, reference: string, options: PullOptions): Promise<void> {
  const request: EngineRequest = {
    method: 'POST',
    path: '/images/create',
    query: { fromImage: withTag(reference), platform: options.platform },
    ...(options.auth === undefined ? {} : { headers: { 'X-Registry-Auth': options.auth } }),
    timeoutMs: 0,
    signal: options.signal,
  };
  await followProgress(http, request, options.onProgress);
}

/**
 * Loads a tar of images as `docker save` writes it (gzip is recognised by the engine).
 * @returns what the engine says that it loaded: `NAME:TAG` or an image id each.
 */
export async function loadImages(
  http: DockerHttp,
  archive: Readable,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<readonly string[]> {
  const loaded: string[] = [];
  const request: EngineRequest = {
    method: 'POST',
    path: '/images/load',
    query: { quiet: true },
    stream: archive,
    timeoutMs: 0,
    signal: options.signal,
  };
  await followProgress(http, request, (line) => {
    const match = /^Loaded image(?: ID)?: (\S+)/.exec(line.stream ?? '');
    if (match?.[1] !== undefined) loaded.push(match[1]);
  });
  return loaded;
}

async function followProgress(
  http: DockerHttp,
  request: EngineRequest,
  onProgress: ((line: ProgressLine) => void) | undefined,
): Promise<void> {
  const response = await http.open(request);
  for await (const line of jsonLines<ProgressLine>(response)) {
    const message = line.errorDetail?.message ?? line.error;
    if (message !== undefined) throw new DockerError(0, message, { where: http.where });
    onProgress?.(line);
  }
}

/** A name that tells the tag: without one the engine pulls every tag of the repository, and loads an image without a name. */
export function withTag(reference: string): string {
  const name = reference.slice(reference.lastIndexOf('/') + 1);
  return name.includes(':') || name.includes('@') ? reference : `${reference}:latest`;
}
