import type { CheckStatus } from './entry.ts';
import type { Instance } from './record.ts';
import type { CheckRow, HealthRow } from './rows.ts';

const RANK: Readonly<Record<CheckStatus, number>> = { passing: 0, warning: 1, critical: 2 };

/**
 * Folds Consul's rows of `/v1/health/service/NAME` into instances, sorted by id. Without a check an instance is
 * passing (as in Consul). Maintenance checks make it draining and do not count for its status, so that a consumer
 * can tell a healthy instance that is leaving from a dead one.
 */
export function foldInstances(rows: readonly HealthRow[]): Instance[] {
  return rows.map(foldInstance).toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function foldInstance({ Node, Service, Checks }: HealthRow): Instance {
  const health = Checks.filter((check) => !isMaintenance(check));
  const worst = health.reduce<CheckRow | undefined>(
    (found, check) => (found === undefined || rank(check) > rank(found) ? check : found),
    undefined,
  );
  return {
    id: Service.ID,
    service: Service.Service,
    host: Node.Node,
    address: Service.Address === '' ? Node.Address : Service.Address,
    port: Service.Port,
    tags: Service.Tags,
    meta: Service.Meta,
    status: worst === undefined ? 'passing' : checkStatus(worst.Status),
    output: worst?.Output ?? '',
    draining: health.length < Checks.length,
  };
}

/** Consul's check statuses; anything unknown counts as critical. */
export function checkStatus(text: string): CheckStatus {
  return text === 'passing' || text === 'warning' ? text : 'critical';
}

const rank = (check: CheckRow): number => RANK[checkStatus(check.Status)];

/** Ids that Consul gives to its own maintenance checks (agent/structs: ServiceMaintPrefix, NodeMaint). */
const isMaintenance = (check: CheckRow): boolean =>
  check.CheckID === '_node_maintenance' || check.CheckID.startsWith('_service_maintenance:');
