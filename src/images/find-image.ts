import { type Docker, type ImageInfo, isNotFound } from '../hosts/index.ts';

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
