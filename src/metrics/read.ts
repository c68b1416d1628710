import type { CatalogClient } from '../catalog/index.ts';
import { type Part, type PartsOptions, partsOf } from './parts.ts';
import type { ClusterView } from './view.ts';

export interface ReadOptions extends PartsOptions {
  readonly client: Pick<CatalogClient, 'kvGet' | 'kvList' | 'services' | 'serviceInstances'>;
  readonly signal: AbortSignal;
}

/** What stands in the catalog now, and its index. */
export async function readCluster(
  options: ReadOptions,
): Promise<{ readonly view: ClusterView; readonly index: number }> {
  const { client, signal } = options;
  const reads = partsOf(options).map(async (part) => {
    const { value, index } = await readPart(client, part, { signal });
    return { entry: [part.name, value] as const, index };
  });
  const [parts, instances] = await Promise.all([Promise.all(reads), readInstances(options)]);
  const view: ClusterView = { ...Object.fromEntries(parts.map(({ entry }) => entry)), instances };
  return { view, index: Math.max(...parts.map(({ index }) => index)) };
}

/** One part, as it stands or once it changes. */
export async function readPart<N extends Part['name']>(
  client: Pick<CatalogClient, 'kvGet' | 'kvList'>,
  part: Part<N>,
  call: Parameters<CatalogClient['kvList']>[1],
) {
  if (part.key.endsWith('/')) {
    const { value, index } = await client.kvList(part.key, call);
    return { value: await part.read(value), index };
  }
  const { value, index } = await client.kvGet(part.key, call);
  return { value: await part.read(value === undefined ? [] : [value]), index };
}

async function readInstances({
  client,
  signal,
}: ReadOptions): Promise<NonNullable<ClusterView['instances']>> {
  const { value: services } = await client.services({ signal });
  const answers = await Promise.all(
    Object.keys(services).map((name) => client.serviceInstances(name, { signal })),
  );
  return answers.flatMap(({ value }) => value);
}
