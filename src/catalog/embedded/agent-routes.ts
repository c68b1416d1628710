import { checkRegistration, serviceRegistration } from './agent.ts';
import { parseBody } from './body.ts';
import type { Handler, Route } from './call.ts';
import { done, named, ok } from './call.ts';
import type { Catalog } from './catalog.ts';
import { HttpError } from './http-error.ts';
import { checkRemoval, checksWhere, checkUpdate, serviceRemoval } from './services.ts';
import { onNode } from './tables.ts';

/** The level of Consul's API that the embedded catalog speaks. */
const VERSION = '1.8.7';

const member = ({ node }: Catalog): unknown => ({
  Name: node,
  Addr: '127.0.0.1',
  Port: 8301,
  Tags: { dc: 'dc1', role: 'consul', build: `${VERSION}:` },
  Status: 1,
  ProtocolMin: 1,
  ProtocolMax: 5,
  ProtocolCur: 2,
  DelegateMin: 2,
  DelegateMax: 5,
  DelegateCur: 4,
});

const self: Handler = (catalog) =>
  ok({
    Config: {
      Datacenter: 'dc1',
      NodeName: catalog.node,
      NodeID: '',
      Revision: '',
      Server: true,
      Version: VERSION,
    },
    Member: member(catalog),
  });

const services: Handler = ({ state, node }) => {
  const rows = state.rows('service').filter((row) => row.Node === node);
  return ok(
    Object.fromEntries(
      rows.map(({ Node: _, CreateIndex: __, ModifyIndex: ___, ...row }) => [
        row.ID,
        { ...row, Meta: row.Meta ?? {} },
      ]),
    ),
  );
};

const checks: Handler = ({ state, node }) => {
  const rows = checksWhere(state, (row) => row.Node === node && row.CheckID !== 'serfHealth');
  return ok(Object.fromEntries(rows.map((row) => [row.CheckID, row])));
};

const registerService: Handler = (catalog, call) => {
  const replace = call.query.has('replace-existing-checks');
  const drafts = serviceRegistration(catalog.state, catalog.node, parseBody(call.body), replace);
  catalog.commit(drafts);
  for (const draft of drafts) if (draft.table === 'ttl' && draft.row !== null) catalog.touchCheck(draft.id);
  return done;
};

const deregisterService: Handler = (catalog, call) => {
  catalog.commit(serviceRemoval(catalog.state, catalog.node, named(call, 'service ID')));
  return done;
};

const registerCheck: Handler = (catalog, call) => {
  const drafts = checkRegistration(catalog.state, catalog.node, parseBody(call.body));
  catalog.commit(drafts);
  for (const draft of drafts) if (draft.table === 'ttl') catalog.touchCheck(draft.id);
  return done;
};

const deregisterCheck: Handler = (catalog, call) => {
  const id = named(call, 'check ID');
  if (id === 'serfHealth') throw new HttpError(400, 'serfHealth cannot be deregistered');
  catalog.commit(checkRemoval(onNode(catalog.node, id)));
  return done;
};

/** A sign of life for a TTL check; the same status with the same output again is not written down. */
function beat(catalog: Catalog, checkId: string, status: string, output: string): void {
  const id = onNode(catalog.node, checkId);
  const row = catalog.state.get('check', id);
  if (row === undefined || catalog.state.get('ttl', id) === undefined) {
    throw new HttpError(500, `CheckID "${checkId}" does not have associated TTL`);
  }
  catalog.commit([checkUpdate(row, status, output)]);
  catalog.touchCheck(id);
}

const beating =
  (status: string): Handler =>
  (catalog, call) => {
    beat(catalog, named(call, 'check ID'), status, call.query.get('note') ?? '');
    return done;
  };

const updateCheck: Handler = (catalog, call) => {
  const body = parseBody(call.body);
  const status = body.text('Status');
  if (!['passing', 'warning', 'critical'].includes(status))
    throw new HttpError(400, `Invalid check status: '${status}'`);
  beat(catalog, named(call, 'check ID'), status, body.text('Output'));
  return done;
};

export const AGENT_ROUTES: readonly Route[] = [
  { path: '/v1/agent/self', handlers: { GET: self } },
  { path: '/v1/agent/members', handlers: { GET: (catalog) => ok([member(catalog)]) } },
  { path: '/v1/agent/services', handlers: { GET: services } },
  { path: '/v1/agent/checks', handlers: { GET: checks } },
  { path: '/v1/agent/service/register', handlers: { PUT: registerService } },
  { path: '/v1/agent/service/deregister/', handlers: { PUT: deregisterService } },
  { path: '/v1/agent/check/register', handlers: { PUT: registerCheck } },
  { path: '/v1/agent/check/deregister/', handlers: { PUT: deregisterCheck } },
  { path: '/v1/agent/check/pass/', handlers: { PUT: beating('passing') } },
  { path: '/v1/agent/check/warn/', handlers: { PUT: beating('warning') } },
  { path: '/v1/agent/check/fail/', handlers: { PUT: beating('critical') } },
  { path: '/v1/agent/check/update/', handlers: { PUT: updateCheck } },
  { path: '/v1/status/leader', handlers: { GET: () => ok('127.0.0.1:8300') } },
  { path: '/v1/status/peers', handlers: { GET: () => ok(['127.0.0.1:8300']) } },
];
