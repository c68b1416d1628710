import { SeawallError } from '../errors.ts';
import { packValue, unpackValue } from '../packed.ts';
import type { CatalogClient } from './client.ts';
import type { KvEntry } from './entry.ts';
import type { CallOptions } from './transport.ts';

/**
 * The record in an entry. The catalog is Seawall's own, so the shape is taken on trust; a schema may be applied by the caller.
 * @throws SeawallError `refused` when the text is no JSON: somebody else wrote the key.
 */
export function parseEntry<T>(entry: KvEntry): T {
  try {
    return JSON.parse(unpackValue(entry.value)) as T;
  } catch (cause) {
    throw new SeawallError('refused', `the catalog's key ${entry.key} does not hold JSON`, {
      hint: `Seawall wrote it, something else replaced it. Look at it: curl … /v1/kv/${entry.key}?raw`,
      cause,
    });
  }
}

/**
 * Replaces a JSON record by compare-and-set, again and again until nobody came between.
 * @param change gets the present record (undefined: none) and gives the new one; undefined leaves all as it is.
 * @returns what stands in the catalog afterwards.
 * @throws SeawallError `refused` after 20 attempts.
 */
export async function updateRecord<T>(
  client: Pick<CatalogClient, 'kvGet' | 'kvPut'>,
  key: string,
  change: (present: T | undefined) => T | undefined,
  options: CallOptions = {},
): Promise<T | undefined> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const { value: entry } = await client.kvGet(key, options);
    const present = entry === undefined ? undefined : parseEntry<T>(entry);
    const wanted = change(present);
    if (wanted === undefined) return present;
    const text = packValue(JSON.stringify(wanted));
    if (entry?.value === text) return wanted;
    if (await client.kvPut(key, text, { cas: entry?.modifyIndex ?? 0, ...options })) return wanted;
  }
  throw new SeawallError('refused', `the catalog's key ${key} changed 20 times while it was being written`, {
    hint: 'Run the command again.',
  });
}
