import type { CatalogClient } from '../catalog/index.ts';
import { describeError, SeawallError } from '../errors.ts';
import { type Part, type PartsOptions, partsOf } from './parts.ts';
import type { ClusterView } from './view.ts';

export interface ReadOptions extends PartsOptions {
  readonly client: Pick<CatalogClient, 'kvGet' | 'kvList' | 'services' | 'serviceInstances'>;
  readonly signal: AbortSignal;
}

export interface ReadResult {
  readonly view: ClusterView;
  readonly index: number;
  /** Part → whether it could be read. */
  readonly parts: Readonly<Record<string, boolean>>;
  /** Part → why it could not be read: what is wrong with one record is no reason to say nothing of the others. */
  readonly failures: Readonly<Record<string, string>>;
}

/** What stands in the catalog now. @throws SeawallError `unreachable` when it does not answer. */
export async function readCluster(options: ReadOptions): Promise<ReadResult> {
  const { client, signal } = options;
  const reads = partsOf(options).map(async (part) => {
    try {
      const { value, index } = await readPart(client, part, { signal });
      return { name: part.name, value, index };
    } catch (error) {
      const isAway = error instanceof SeawallError && error.code === 'unreachable';
      if (isAway || signal.aborted) throw error;
      return { name: part.name, failure: describeError(error), index: 0 };
    }
  });
  const [parts, instances] = await Promise.all([Promise.all(reads), readInstances(options)]);
  const read = parts.flatMap(({ name, value, failure }) => (failure === undefined ? [[name, value]] : []));
  return {
    view: { ...Object.fromEntries(read), instances },
    index: Math.max(...parts.map(({ index }) => index)),
    parts: Object.fromEntries(parts.map(({ name, failure }) => [name, failure === undefined])),
    failures: Object.fromEntries(
      parts.flatMap(({ name, failure }) => (failure === undefined ? [] : [[name, failure]])),
    ),
  };
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
