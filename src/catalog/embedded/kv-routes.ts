import { reading } from './blocking.ts';
import type { Call, Handler, Reply, Route } from './call.ts';
import { named, ok, unsigned } from './call.ts';
import { HttpError } from './http-error.ts';
import { deleteKey, deleteKeysBelow, keyNames, keysBelow, writeKey } from './kv.ts';
import type { State } from './state.ts';
import type { KvRow } from './tables.ts';

const spansKeys = (call: Call): boolean => call.query.has('recurse') || call.query.has('keys');

const get = reading(
  (call) => (spansKeys(call) ? `prefix/${call.rest}` : `key/${named(call, 'key name')}`),
  (state, call) => {
    const rows = spansKeys(call) ? keysBelow(state, call.rest) : oneKey(state, call.rest);
    if (rows.length === 0) return { status: 404 };
    if (call.query.has('keys')) {
      // Consul reads the misspelt name too (agent/kvs_endpoint.go).
      const separator = call.query.get('separator') ?? call.query.get('seperator') ?? '';
      return ok(keyNames(rows, call.rest, separator));
    }
    const [first] = rows;
    return call.query.has('raw') && !call.query.has('recurse') && first !== undefined
      ? rawValue(first)
      : ok(rows.map(shownKey));
  },
);

const put: Handler = (catalog, call) => {
  const key = named(call, 'key name');
  const { query } = call;
  refuseConflicts(query, ['cas', 'acquire', 'release']);
  const cas = unsigned(query, 'cas');
  const acquire = query.get('acquire');
  const release = query.get('release');
  const write = {
    key,
    value: call.body.length === 0 ? null : call.body.toString('base64'),
    flags: unsigned(query, 'flags') ?? 0,
  };
  const condition = {
    ...(cas === undefined ? {} : { cas }),
    ...(acquire === null ? {} : { acquire }),
    ...(release === null ? {} : { release }),
  };
  return ok(writeKey(catalog, write, condition));
};

const remove: Handler = (catalog, call) => {
  refuseConflicts(call.query, ['cas', 'recurse']);
  if (!call.query.has('recurse'))
    return ok(deleteKey(catalog, named(call, 'key name'), unsigned(call.query, 'cas')));
  deleteKeysBelow(catalog, call.rest);
  return ok(true);
};

export const KV_ROUTES: readonly Route[] = [
  { path: '/v1/kv/', handlers: { GET: get, PUT: put, DELETE: remove } },
];

function oneKey(state: State, key: string): KvRow[] {
  const row = state.get('kv', key);
  return row === undefined ? [] : [row];
}

/** A value is somebody's text: a browser that is led here must not run it (CVE-2020-25864). */
function rawValue(row: KvRow): Reply {
  const headers = {
    'Content-Type': 'text/plain',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': 'sandbox',
  };
  return { status: 200, headers, raw: Buffer.from(row.Value ?? '', 'base64') };
}

/** Consul's order of fields. */
function shownKey({ LockIndex, Key, Flags, Value, Session, CreateIndex, ModifyIndex }: KvRow): unknown {
  const session = Session === undefined ? {} : { Session };
  return { LockIndex, Key, Flags, Value, ...session, CreateIndex, ModifyIndex };
}

function refuseConflicts(query: URLSearchParams, names: readonly string[]): void {
  if (names.filter((name) => query.has(name)).length < 2) return;
  const shown = new URLSearchParams(query);
  shown.delete('token');
  shown.sort();
  throw new HttpError(400, `Conflicting flags: ${shown}`);
}
