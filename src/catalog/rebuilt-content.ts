import { encodeLine } from './embedded/journal.ts';

/** The text of a catalog's snapshot that holds these keys and nothing else. */
export function contentOfKeys(keys: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const rows = sorted.map(([Key, value], at) => {
    const index = at + 2;
    const Value = Buffer.from(value).toString('base64');
    const row = { LockIndex: 0, Key, Flags: 0, Value, CreateIndex: index, ModifyIndex: index };
    return encodeLine({ table: 'kv', id: Key, row });
  });
  return encodeLine({ version: 1, index: rows.length + 1, rows: rows.length }) + rows.join('');
}
