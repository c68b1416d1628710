import { reading } from './blocking.ts';
import { parseBody } from './body.ts';
import type { Call, Handler, Route } from './call.ts';
import { named, ok } from './call.ts';
import { HttpError } from './http-error.ts';
import {
  byText,
  deregistrationDrafts,
  flatService,
  instancesOf,
  registrationDrafts,
  shownService,
} from './services.ts';
import type { State } from './state.ts';

const register: Handler = (catalog, call) => {
  catalog.commit(registrationDrafts(catalog.state, parseBody(call.body)));
  return ok(true);
};

const deregister: Handler = (catalog, call) => {
  const drafts = deregistrationDrafts(catalog.state, parseBody(call.body));
  // With it every session would end.
  if (drafts.some((draft) => draft.table === 'node' && draft.id === catalog.node)) {
    throw new HttpError(400, `The catalog's own node ${catalog.node} cannot be deregistered`);
  }
  catalog.commit(drafts);
  return ok(true);
};

const services = reading(
  () => 'services',
  (state, call) => {
    refuseFilter(call);
    const names = new Map<string, Set<string>>();
    for (const row of state.rows('service')) {
      const tags = names.get(row.Service) ?? new Set();
      for (const tag of row.Tags) tags.add(tag);
      names.set(row.Service, tags);
    }
    const sorted = [...names].toSorted(([a], [b]) => byText(a, b));
    return ok(Object.fromEntries(sorted.map(([name, tags]) => [name, [...tags].toSorted()])));
  },
);

const service = reading(
  (call) => `service/${named(call, 'service name')}`,
  (state, call) => {
    refuseFilter(call);
    return ok(
      instancesOf(state, call.rest, call.query.getAll('tag')).map(({ node, row }) => flatService(node, row)),
    );
  },
);

const nodes = reading(
  () => 'nodes',
  (state, call) => {
    refuseFilter(call);
    return ok(state.rows('node').toSorted((a, b) => byText(a.Node, b.Node)));
  },
);

const node = reading(
  (call) => `node/${named(call, 'node name')}`,
  (state, call) => {
    refuseFilter(call);
    const row = state.get('node', call.rest);
    if (row === undefined) return ok(null);
    return ok({ Node: row, Services: Object.fromEntries(servicesOn(state, call.rest)) });
  },
);

export const CATALOG_ROUTES: readonly Route[] = [
  { path: '/v1/catalog/register', handlers: { PUT: register } },
  { path: '/v1/catalog/deregister', handlers: { PUT: deregister } },
  { path: '/v1/catalog/datacenters', handlers: { GET: () => ok(['dc1']) } },
  { path: '/v1/catalog/services', handlers: { GET: services } },
  { path: '/v1/catalog/service/', handlers: { GET: service } },
  { path: '/v1/catalog/nodes', handlers: { GET: nodes } },
  { path: '/v1/catalog/node/', handlers: { GET: node } },
];

function servicesOn(state: State, name: string): [string, unknown][] {
  return state
    .rows('service')
    .filter((row) => row.Node === name)
    .toSorted((a, b) => byText(a.ID, b.ID))
    .map((row) => [row.ID, shownService(row)]);
}

/** What would leave rows out is refused rather than ignored; `near` only sorts. */
export function refuseFilter(call: Call): void {
  for (const name of ['filter', 'node-meta']) {
    if (call.query.has(name))
      throw new HttpError(400, `The embedded catalog does not know ?${name}: filter the answer instead`);
  }
}
