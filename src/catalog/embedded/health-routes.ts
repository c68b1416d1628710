import { reading } from './blocking.ts';
import type { Route } from './call.ts';
import { named, ok } from './call.ts';
import { refuseFilter } from './catalog-routes.ts';
import { checksWhere, instancesOf, shownService } from './services.ts';

const service = reading(
  (call) => `service/${named(call, 'service name')}`,
  (state, call) => {
    refuseFilter(call);
    const found = instancesOf(state, call.rest, call.query.getAll('tag'));
    const ids = new Set(found.map(({ row }) => row.ID));
    const hosts = new Set(found.map(({ row }) => row.Node));
    const checks = checksWhere(
      state,
      (check) => hosts.has(check.Node) && (check.ServiceID === '' || ids.has(check.ServiceID)),
    );
    const rows = found.map(({ node, row }) => ({
      Node: node,
      Service: shownService(row),
      Checks: checks.filter(
        (check) => check.Node === row.Node && (check.ServiceID === '' || check.ServiceID === row.ID),
      ),
    }));
    const onlyPassing = call.query.has('passing') && call.query.get('passing') !== 'false';
    return ok(
      onlyPassing ? rows.filter((row) => row.Checks.every((check) => check.Status === 'passing')) : rows,
    );
  },
);

const state = reading(
  () => 'checks',
  (content, call) => {
    refuseFilter(call);
    const status = named(call, 'check state');
    return ok(checksWhere(content, (check) => status === 'any' || check.Status === status));
  },
);

const node = reading(
  (call) => `node/${named(call, 'node name')}`,
  (content, call) => {
    refuseFilter(call);
    return ok(checksWhere(content, (check) => check.Node === call.rest));
  },
);

const checks = reading(
  (call) => `service/${named(call, 'service name')}`,
  (content, call) => {
    refuseFilter(call);
    return ok(checksWhere(content, (check) => check.ServiceName === call.rest));
  },
);

export const HEALTH_ROUTES: readonly Route[] = [
  { path: '/v1/health/service/', handlers: { GET: service } },
  { path: '/v1/health/state/', handlers: { GET: state } },
  { path: '/v1/health/node/', handlers: { GET: node } },
  { path: '/v1/health/checks/', handlers: { GET: checks } },
];
