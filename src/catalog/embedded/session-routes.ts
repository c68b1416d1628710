import { reading } from './blocking.ts';
import { parseBody } from './body.ts';
import type { Handler, Route } from './call.ts';
import { named, ok } from './call.ts';
import { HttpError } from './http-error.ts';
import { byText } from './services.ts';
import { endSession, sessionFromBody } from './sessions.ts';
import type { State } from './state.ts';
import type { SessionRow } from './tables.ts';

const create: Handler = (catalog, call) => {
  const row = sessionFromBody(parseBody(call.body), catalog.node, catalog.state);
  catalog.commit([{ table: 'session', id: row.ID, row }]);
  return ok({ ID: row.ID });
};

const destroy: Handler = (catalog, call) => {
  catalog.commit(endSession(catalog.state, named(call, 'session')));
  return ok(true);
};

const renew: Handler = (catalog, call) => {
  const session = catalog.state.get('session', named(call, 'session'));
  if (session === undefined) throw new HttpError(404, `Session id '${call.rest}' not found`);
  catalog.touchSession(session);
  return ok([session]);
};

const info = reading(
  (call) => `session/${named(call, 'session')}`,
  (state, call) => {
    const session = state.get('session', call.rest);
    return ok(session === undefined ? [] : [session]);
  },
);

const list = reading(
  () => 'sessions',
  (state) => ok(sorted(state, () => true)),
);

const onNode = reading(
  () => 'sessions',
  (state, call) => {
    const node = named(call, 'node name');
    return ok(sorted(state, (row) => row.Node === node));
  },
);

export const SESSION_ROUTES: readonly Route[] = [
  { path: '/v1/session/create', handlers: { PUT: create } },
  { path: '/v1/session/destroy/', handlers: { PUT: destroy } },
  { path: '/v1/session/renew/', handlers: { PUT: renew } },
  { path: '/v1/session/info/', handlers: { GET: info } },
  { path: '/v1/session/list', handlers: { GET: list } },
  { path: '/v1/session/node/', handlers: { GET: onNode } },
];

function sorted(state: State, keep: (row: SessionRow) => boolean): SessionRow[] {
  return state
    .rows('session')
    .filter(keep)
    .toSorted((a, b) => byText(a.ID, b.ID));
}
