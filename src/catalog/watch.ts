import { isDeepStrictEqual } from 'node:util';
import { pause, retryDelayMs } from '../retry.ts';
import type { ReadOptions } from './calls.ts';
import type { CatalogClient } from './client.ts';
import type { Answer, KvEntry } from './entry.ts';
import type { Instance } from './record.ts';

export interface WatchOptions {
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** A read failed or the callback threw; the watch goes on by itself. */
  readonly onError?: (error: unknown) => void;
  /** Milliseconds a read waits for news; default 60000. */
  readonly waitMs?: number;
}

/**
 * Reads again and again, calls `onChange` with the first answer and with every different one. While reads fail it backs
 * off, with jitter, and nothing is reported: the last answer stands. A callback that throws is called again.
 * @returns when the signal is aborted; never rejects.
 */
export async function watchAnswer<T>(
  read: (options: ReadOptions) => Promise<Answer<T>>,
  onChange: (value: T) => void,
  options: WatchOptions,
): Promise<void> {
  const { signal, onError, waitMs = 60_000 } = options;
  let index = 0;
  let failures = 0;
  let last: { readonly value: T } | undefined;
  while (!signal.aborted) {
    try {
      const answer = await read({ index, waitMs, signal });
      // Checked again: a value must not be reported after the end of the watch.
      if (signal.aborted) return;
      if (last === undefined || !isDeepStrictEqual(last.value, answer.value)) {
        onChange(answer.value);
        last = { value: answer.value };
      } else if (index > 0) {
        // Woken for nothing: a server that does so all the time must not be asked without pause.
        await pause(50 + 50 * Math.random(), signal);
      }
      // Going backwards: another life of the catalog, whose numbers mean nothing to the old ones.
      index = answer.index < index ? 0 : answer.index;
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      index = 0;
      failures += 1;
      onError?.(error);
      await pause(retryDelayMs(failures), signal);
    }
  }
}

/** Watches one key; `undefined` while there is none. */
export function watchKey(
  client: Pick<CatalogClient, 'kvGet'>,
  key: string,
  onChange: (entry: KvEntry | undefined) => void,
  options: WatchOptions,
): Promise<void> {
  return watchAnswer((read) => client.kvGet(key, read), onChange, options);
}

/** Watches everything whose key begins with `prefix`. */
export function watchKeys(
  client: Pick<CatalogClient, 'kvList'>,
  prefix: string,
  onChange: (entries: readonly KvEntry[]) => void,
  options: WatchOptions,
): Promise<void> {
  return watchAnswer((read) => client.kvList(prefix, read), onChange, options);
}

/** Watches the instances of one service. */
export function watchService(
  client: Pick<CatalogClient, 'serviceInstances'>,
  name: string,
  onChange: (instances: readonly Instance[]) => void,
  options: WatchOptions,
): Promise<void> {
  return watchAnswer((read) => client.serviceInstances(name, read), onChange, options);
}
