import type { Catalog } from './catalog.ts';
import { HttpError } from './http-error.ts';
import type { State } from './state.ts';
import type { DraftChange, KvRow } from './tables.ts';

/** What a write depends on; at most one. */
export interface KvCondition {
  readonly cas?: number;
  readonly acquire?: string;
  readonly release?: string;
}

export interface KvWrite {
  readonly key: string;
  /** Base64; null when empty. */
  readonly value: string | null;
  readonly flags: number;
}

/** Writes a key. @returns false when the condition does not hold. @throws HttpError 500 for an unknown session. */
export function writeKey(catalog: Catalog, write: KvWrite, condition: KvCondition): boolean {
  const present = catalog.state.get('kv', write.key);
  const session = heldAfter(catalog, present, write.key, condition);
  if (session === false) return false;
  if (condition.cas !== undefined && condition.cas !== (present?.ModifyIndex ?? 0)) return false;
  catalog.commit([
    {
      table: 'kv',
      id: write.key,
      row: {
        LockIndex: lockIndex(present, condition),
        Key: write.key,
        Flags: write.flags,
        Value: write.value,
        ...(session === undefined ? {} : { Session: session }),
      },
    },
  ]);
  return true;
}

/** Session on the key after the write; false: the write may not be. A write without a session leaves the holder its lock. */
function heldAfter(
  catalog: Catalog,
  present: KvRow | undefined,
  key: string,
  { acquire, release }: KvCondition,
): string | undefined | false {
  if (acquire !== undefined) {
    if (catalog.state.get('session', acquire) === undefined)
      throw new HttpError(500, `invalid session "${acquire}"`);
    const free = present?.Session === undefined || present.Session === acquire;
    return free && !catalog.isDelayed(key) ? acquire : false;
  }
  if (release !== undefined)
    return present?.Session !== undefined && present.Session === release ? undefined : false;
  return present?.Session;
}

/** Consul 1.8.7: counted at each new lock, kept by holder and release, lost by a plain write. */
function lockIndex(present: KvRow | undefined, { acquire, release }: KvCondition): number {
  if (acquire !== undefined) return (present?.LockIndex ?? 0) + (present?.Session === acquire ? 0 : 1);
  return release === undefined ? 0 : (present?.LockIndex ?? 0);
}

/** Removes one key. @returns false when `cas` does not hold (0 never does); a key that is not there counts as removed. */
export function deleteKey(catalog: Catalog, key: string, cas: number | undefined): boolean {
  const present = catalog.state.get('kv', key);
  if (cas !== undefined && (cas === 0 || cas !== present?.ModifyIndex)) return present === undefined;
  catalog.commit([{ table: 'kv', id: key, row: null }]);
  return true;
}

/** Removes every key that begins so. */
export function deleteKeysBelow(catalog: Catalog, prefix: string): void {
  catalog.commit(
    keysBelow(catalog.state, prefix).map((row): DraftChange => ({ table: 'kv', id: row.Key, row: null })),
  );
}

/** Rows whose key begins so, sorted by the bytes of the key. */
export function keysBelow(state: State, prefix: string): KvRow[] {
  return state
    .rows('kv')
    .filter((row) => row.Key.startsWith(prefix))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.Key), Buffer.from(b.Key)));
}

/** Keys, each cut after the first separator behind the prefix, without repetition; with an empty separator whole. */
export function keyNames(rows: readonly KvRow[], prefix: string, separator: string): string[] {
  if (separator === '') return rows.map((row) => row.Key);
  const cut = rows.map(({ Key }) => {
    const at = Key.indexOf(separator, prefix.length);
    return at === -1 ? Key : Key.slice(0, at + separator.length);
  });
  return [...new Set(cut)];
}
